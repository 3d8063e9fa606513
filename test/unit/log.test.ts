import { createLogger, toText } from '../../log';

function linesOf(write: (log: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = [];
  write(createLogger('info', { write: (line) => lines.push(line) }));
  return lines;
}

it('writes one JSON object a line, with the level by name', () => {
  const [line = ''] = linesOf((log) => log.info({ runId: 'run-1' }, 'started'));

  expect(JSON.parse(line)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^20.*Z$/),
    runId: 'run-1',
    msg: 'started',
  });
});

it.each([
  { password: 'S3CRET' },
  { headers: { authorization: 'Bearer S3CRET' } },
  { req: { headers: { 'x-bare-password': 'password S3CRET' } } },
  { providers: { openai: { apiKey: 'S3CRET' } } },
  { agent: { secrets: { EXA_API_KEY: 'S3CRET' } } },
])('never writes the secret of %j', (fields) => {
  expect(linesOf((log) => log.info(fields, 'x')).join()).not.toContain('S3CRET');
});

it('keeps what a driver hangs on its errors out of the line', () => {
  const error = Object.assign(new Error('lost'), { code: '57P01', client: { host: 'everything it knows' } });

  const [line = ''] = linesOf((log) => log.warn({ err: error }, 'gone'));

  expect(JSON.parse(line)).toMatchObject({ err: { type: 'Error', code: '57P01', message: 'lost' } });
  expect(line).not.toContain('everything it knows');
});

it('cuts what an error says', () => {
  const [line = ''] = linesOf((log) => log.warn({ err: new Error('x'.repeat(1_000_000)) }, 'broke'));

  expect(line.length).toBeLessThan(40_000);
  expect(line).toContain('xxx ...');
});

it('says nothing below its level', () => {
  expect(linesOf((log) => log.debug('chatter'))).toEqual([]);
});

it('reads as one line on a terminal', () => {
  const line = JSON.stringify({
    level: 'warn',
    time: '2026-01-02T03:04:05.678Z',
    reason: 'SIGKILL',
    delayMs: 100,
    msg: 'ended',
  });

  expect(toText(line)).toBe('03:04:05 warn  ended reason=SIGKILL delayMs=100');
});
