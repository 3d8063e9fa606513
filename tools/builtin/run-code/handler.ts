import { toolError } from '../../../domain/tool-failure';
import type { ReadHandler } from '../../handler';

/** Says that there is no sandbox. The tool exists so that agents created with it by name work otherwise. */
export const runCode: ReadHandler = () =>
  Promise.reject(
    toolError(
      'NotImplementedError',
      'run_code is not available in this version of the server: it has no sandbox to run code in. Answer without running code.',
    ),
  );
