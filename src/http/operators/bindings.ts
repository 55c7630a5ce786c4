/** What the server says of a request beside its bytes. */
export interface OperatorsBindings {
  /** It came over the unix socket, which only the operator can open: no admin key is needed. */
  readonly trusted?: boolean;
}
