import { type ErrorCode, type ErrorDetails, LatentCacheError } from '../errors.js';

/** Errors cross threads and processes as plain data: a class would lose its code and its type. */
export interface PlainError extends Omit<ErrorDetails, 'cause'> {
  readonly code: ErrorCode;
  readonly message: string;
}

export function toPlainError({
  code,
  message,
  path,
  remedy,
  op,
  bytesAsked,
  bytesFree,
}: LatentCacheError): PlainError {
  return { code, message, path, remedy, op, bytesAsked, bytesFree };
}

export function reviveError({ code, message, ...details }: PlainError): LatentCacheError {
  return new LatentCacheError(code, message, details);
}
