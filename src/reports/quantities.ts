/** Quantities are counted to the millionth: seconds have fractions, and sums of floats drift. */
const MICRO = 1_000_000;

/** The sum of two quantities, exact to the millionth. */
export function addQuantity(a: number, b: number): number {
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b)) return a + b;
  return Math.round((a + b) * MICRO) / MICRO;
}

/** A quantity as a plain decimal, never with an exponent. */
export function writeQuantity(quantity: number): string {
  if (Number.isInteger(quantity)) return BigInt(quantity).toString();
  return quantity.toFixed(6).replace(/0+$/, "");
}

/** A whole number for people: groups of three. */
export function groupDigits(text: string): string {
  const [whole, fraction] = text.split(".");
  const grouped = whole!.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
