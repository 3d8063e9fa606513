import { createGoogleGenerativeAI } from '@ai-sdk/google';
import type { ModelClient } from '../../domain/model';
import { createAiSdkClient } from '../ai-sdk/client';
import { buildGoogleRequest, GOOGLE } from './request';

export interface GoogleClientOptions {
  readonly apiKey: string;
  /** With its version, `https://generativelanguage.googleapis.com/v1beta`. */
  readonly baseUrl: string;
  readonly label: string;
  readonly keyName: string;
  readonly idleTimeoutMs: number;
}

/** Gemini through the Gemini API: thoughts and the signatures on thoughts, texts and calls are kept and sent back. */
export function createGoogleClient({ apiKey, baseUrl, ...options }: GoogleClientOptions): ModelClient {
  const provider = createGoogleGenerativeAI({ apiKey, baseURL: baseUrl });
  return createAiSdkClient({
    ...options,
    provider: GOOGLE,
    secrets: [apiKey],
    languageModel: (name, fetch) =>
      (fetch ? createGoogleGenerativeAI({ apiKey, baseURL: baseUrl, fetch }) : provider).languageModel(name),
    buildRequest: buildGoogleRequest,
    readMetadata: (reply, index, metadata) => {
      const signature = metadata['google']?.['thoughtSignature'];
      if (typeof signature !== 'string') return;
      if (!reply.sign(index, signature)) reply.annotate(index, { thoughtSignature: signature });
    },
    redactedData: () => null,
  });
}
