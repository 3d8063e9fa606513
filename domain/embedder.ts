/** Which vectors are wanted: of this model, with so many numbers each. */
export interface EmbeddingTarget {
  readonly handle: string;
  readonly dimensions: number | null;
}

/** The port in front of embedding models. */
export interface Embedder {
  /**
   * One vector of finite numbers for each text, in order. Throws `AppError` with a `MODEL_*` code; vectors that are not
   * what was asked for are `MODEL_BAD_REQUEST` with a text that says what came instead.
   */
  embed(
    target: EmbeddingTarget,
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly Float32Array[]>;
}
