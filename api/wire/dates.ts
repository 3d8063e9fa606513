/** Dates of messages and frames: `2026-11-24T01:28:57+00:00`, whole seconds. */
export const toWireSeconds = (date: Date): string => `${date.toISOString().slice(0, 19)}+00:00`;

/** Dates of every other object: `2026-11-24T01:43:06.027356Z`, microseconds. */
export const toWireMicros = (date: Date): string => `${toNaiveMicros(date)}Z`;

/** `completed_at` of runs: UTC without a zone, as the original writes it. */
export const toNaiveMicros = (date: Date): string => `${date.toISOString().slice(0, 23)}000`;

/** Nanoseconds since 1970. Exact to the millisecond; larger than 2^53, so the last digits mean nothing. */
export const toNanoseconds = (date: Date): number => date.getTime() * 1_000_000;

/** Nanoseconds between two moments; null while one of them is missing. */
export const nanosecondsBetween = (from: Date | null, to: Date | null): number | null =>
  from && to ? (to.getTime() - from.getTime()) * 1_000_000 : null;
