import { translations } from "../language.ts";

/** Messages of the store: its folder, its version, its keys. */
export const storeWords = translations(
  {
    diskFailed: (cause: string) =>
      `The ledger could not be written (${cause}). Nothing more is promised: Maidan stops. Check the disk and its free space, then start again.`,
    newerStore: (found: string, known: number) =>
      `The data folder was written by a newer Maidan (its tables have version ${found}, this program knows ${known}). Start the newer program, or use another data folder.`,
    folderInUse: (folder: string) =>
      `Another Maidan is using the data folder ${folder}. Two would give every budget twice. Stop the other one, or choose another folder with MAIDAN_DATA.`,
    folderUnusable: (folder: string, cause: string) =>
      `The data folder ${folder} cannot be used (${cause}). Choose another one with MAIDAN_DATA, or correct its permissions.`,
    foreignSeal: () =>
      "This was sealed by another installation, or changed since. Enter the credential again, or bring back the sealing.key that belongs to this data folder.",
    brokenSealingKey: (file: string) =>
      `${file} is not a key of 32 bytes. Bring it back from a backup; without it the sealed credentials are lost and must be entered again.`,
    sealingKeyMissing: (file: string) =>
      `${file} is missing, but the store holds things sealed with it. Bring it back from a backup.`,
  },
  {
    diskFailed: (cause) =>
      `账本无法写入（${cause}）。此后无法再作任何保证：Maidan 停止运行。请检查磁盘及剩余空间，然后重新启动。`,
    newerStore: (found, known) =>
      `数据目录由更新版本的 Maidan 写入（其表结构版本为 ${found}，本程序只认识 ${known}）。请启动新版本，或换一个数据目录。`,
    folderInUse: (folder) =>
      `另一个 Maidan 正在使用数据目录 ${folder}。两个进程会把每笔预算用两次。请停止另一个，或用 MAIDAN_DATA 选择其他目录。`,
    folderUnusable: (folder, cause) =>
      `数据目录 ${folder} 无法使用（${cause}）。请用 MAIDAN_DATA 选择其他目录，或修正其权限。`,
    foreignSeal: () => "此内容由另一套安装加密，或已被改动。请重新输入凭据，或恢复属于此数据目录的 sealing.key。",
    brokenSealingKey: (file) => `${file} 不是 32 字节的密钥。请从备份恢复；没有它，已加密的凭据无法读取，须重新输入。`,
    sealingKeyMissing: (file) => `${file} 不存在，但存储中有用它加密的内容。请从备份恢复。`,
  },
);
