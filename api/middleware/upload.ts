import type { RequestHandler } from 'express';
import multer, { MulterError } from 'multer';
import { AppError } from '../../domain/errors';

/**
 * Reads a multipart upload of one `file` into `req.file` and `req.body`; other bodies pass. A page of another site could send
 * one without asking first, so an upload that a browser sends from elsewhere is refused. `what` names the file in errors.
 */
export function readUpload({
  maxBytes,
  what,
}: {
  readonly maxBytes: number;
  readonly what: string;
}): RequestHandler {
  const upload = multer({
    storage: multer.memoryStorage(),
    limits: { fileSize: maxBytes, files: 1, fields: 50, fieldSize: 1024 * 1024 },
    defParamCharset: 'utf8',
  }).single('file');
  return (req, res, next) => {
    const origin = req.get('origin');
    const isUpload = req.is('multipart/form-data') === 'multipart/form-data';
    const isAllowed = origin === undefined || res.getHeader('access-control-allow-origin') === origin;
    if (isUpload && !isAllowed && hostOf(origin) !== req.get('host')) {
      next(new AppError('UNAUTHORIZED', `Uploads from ${origin} are not allowed`));
      return;
    }
    upload(req, res, (error: unknown) => {
      next(error === undefined || error === null ? undefined : toAppError(error));
    });
  };

  function toAppError(error: unknown): unknown {
    if (error instanceof MulterError && error.code === 'LIMIT_FILE_SIZE') {
      return new AppError('PAYLOAD_TOO_LARGE', `The ${what} is larger than ${maxBytes / 1024 / 1024} MB.`);
    }
    if (!(error instanceof Error)) return error;
    return new AppError('INVALID_ARGUMENT', `INVALID_ARGUMENT: The upload can't be read: ${error.message}.`, {
      cause: error,
    });
  }
}

const hostOf = (origin: string): string | null => (URL.canParse(origin) ? new URL(origin).host : null);
