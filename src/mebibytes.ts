/** As messages about memory name it: rounded up, since it is about what does not fit. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
