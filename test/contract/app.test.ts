import { createPool } from '../../db/pool';
import { sampleBody } from '../support/letta-samples';
import { startTestApi, type TestApi } from '../support/test-api';

const RUN = '/v1/runs/run-00000000-0000-4000-8000-000000000000';

describe('the API', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.close());

  it.each(['/v1/runs', '/v1/runs/', '/latest/runs', '/latest/runs/?limit=2'])('serves %s', async (path) => {
    expect(await api.call('GET', path)).toMatchObject({ status: 200, body: [] });
  });

  it.each(['/v1/nope', '/nope', '/', '/v1/runs/a/b/c', '/v1/%ff'])('has nothing at %s', async (path) => {
    const answer = await api.call('GET', path);

    expect([400, 404]).toContain(answer.status);
    expect(answer.body).toHaveProperty('detail');
  });

  it('answers an unknown route as the original does', async () => {
    expect((await api.call('GET', '/v1/nope')).body).toEqual({ detail: 'Not Found' });
  });

  it('refuses a method that a path does not have and names those it has', async () => {
    const answer = await api.call('PUT', RUN);

    expect(answer).toMatchObject({ status: 405, body: { detail: 'Method Not Allowed' } });
    expect(answer.headers.get('allow')).toBe('DELETE, GET');
  });

  it('gives every answer an id, the one the client sent if it is sane', async () => {
    const given = await api.call('GET', '/v1/runs/', { headers: { 'x-request-id': 'req-42' } });
    const odd = await api.call('GET', '/v1/nope', { headers: { 'x-request-id': 'a b "c"' } });

    expect(given.headers.get('x-request-id')).toBe('req-42');
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('refuses a malformed user_id header as the original does, and takes a well-formed one', async () => {
    const bad = await api.call('GET', '/v1/runs/', { headers: { user_id: 'user-bad' } });
    const good = await api.call('GET', '/v1/runs/', {
      headers: { user_id: 'user-00000000-0000-4000-8000-000000000000' },
    });

    expect(bad).toMatchObject({ status: 400, body: sampleBody('err.user_id_header.json') });
    expect(good.status).toBe(200);
  });

  it('lets the ADE call it with credentials, and no other site', async () => {
    const preflight = {
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'x-bare-password',
    };
    const ade = await api.call('OPTIONS', RUN, {
      headers: { origin: 'https://app.letta.com', ...preflight },
    });
    const other = await api.call('OPTIONS', RUN, {
      headers: { origin: 'https://evil.example', ...preflight },
    });
    const read = await api.call('GET', '/v1/runs/', { headers: { origin: 'https://evil.example' } });

    expect(ade.status).toBe(200);
    expect(Object.fromEntries(ade.headers)).toMatchObject({
      'access-control-allow-origin': 'https://app.letta.com',
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'x-bare-password',
    });
    expect(ade.headers.get('access-control-allow-methods')).toContain('PATCH');
    expect(other.status).toBe(400);
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('refuses a body over 20 MB', async () => {
    const body = { feedback: 'x'.repeat(20 * 1024 * 1024) };

    const answer = await api.call('PATCH', `${RUN.replaceAll('run', 'step')}/feedback`, { body });

    expect(answer.status).toBe(413);
    expect(answer.body).toEqual({ detail: 'The request body is larger than 20 MB; send less.' });
  });
});

describe('the API with a password', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ password: 'pw 123' });
  });
  afterAll(() => api.close());

  it.each<Record<string, string>>([
    { authorization: 'Bearer pw 123' },
    { 'x-bare-password': 'password pw 123' },
    { authorization: 'Bearer nope', 'x-bare-password': 'password pw 123' },
  ])('opens for %j', async (headers) => {
    expect((await api.call('GET', '/v1/runs/', { headers })).status).toBe(200);
  });

  it.each<Record<string, string>>([
    {},
    { authorization: 'Bearer nope' },
    { authorization: 'pw 123' },
    { authorization: 'Bearer pw 1234' },
    { 'x-bare-password': 'pw 123' },
  ])('stays shut for %j', async (headers) => {
    const answer = await api.call('GET', '/v1/runs/', { headers });

    expect(answer).toMatchObject({ status: 401, body: { detail: 'Unauthorized' } });
  });

  it('hides which routes exist, and leaves health open', async () => {
    expect((await api.call('GET', '/v1/nope')).status).toBe(401);
    expect((await api.call('GET', '/v1/health/')).status).toBe(200);
    expect((await api.call('GET', '/v1/health')).status).toBe(200);
  });
});

describe('the API without its database', () => {
  const away = createPool('postgres://nobody@127.0.0.1:1/none', { max: 1, onError: () => undefined });
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ db: away });
  });
  afterAll(async () => {
    await api.close();
    await away.end();
  });

  it('says 503, which SDKs try again', async () => {
    const answer = await api.call('GET', '/v1/runs/');

    const detail = 'The database is not reachable right now; try again in a moment.';
    expect(answer).toMatchObject({ status: 503, body: { detail } });
    expect(answer.headers.get('x-should-retry')).toBeNull();
  });
});
