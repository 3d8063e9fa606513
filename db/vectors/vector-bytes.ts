/** A vector as it is stored: float32, little-endian, as every machine that Node runs on has it in memory. */
export const toBytes = (vector: Float32Array): Buffer =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);

/** The stored vector. The bytes are copied: a buffer of the driver may start anywhere. */
export function fromBytes(bytes: Buffer): Float32Array {
  const vector = new Float32Array(Math.floor(bytes.byteLength / 4));
  new Uint8Array(vector.buffer).set(bytes.subarray(0, vector.byteLength));
  return vector;
}
