import { AppError } from './errors';

/** A vector of length 1 in the same direction; one of zeros stays as it is. Cosine is then the dot product. */
export function normalized(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  if (sum === 0) return vector;
  const scale = 1 / Math.sqrt(sum);
  return vector.map((value) => value * scale);
}

/** The numbers of a model's answer as a vector, or why they are none. `from` names the model in the error. */
export function checkVector(numbers: unknown, dimensions: number | null, from: string): Float32Array {
  if (!Array.isArray(numbers) || numbers.length === 0) throw refused(from, 'an answer without vectors');
  if (!numbers.every((value) => typeof value === 'number' && Number.isFinite(value)))
    throw refused(from, 'a vector with values that are not finite numbers');
  if (dimensions !== null && numbers.length !== dimensions) {
    throw refused(
      from,
      `a vector of ${numbers.length} numbers where ${dimensions} are asked for. Give the archive the embedding model it really has`,
    );
  }
  return Float32Array.from(numbers);
}

const refused = (from: string, what: string): AppError =>
  new AppError('MODEL_BAD_REQUEST', `Embedding model ${from} gave ${what}.`, { facts: { isRefused: true } });
