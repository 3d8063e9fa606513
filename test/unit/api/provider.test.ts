import { addressProblem, parseProvider, parseProviderUpdate } from '../../../api/wire/provider';
import type { StoredProvider } from '../../../domain/provider';

const stored: StoredProvider = {
  id: 'provider-1',
  name: 'mine',
  providerType: 'openai',
  apiKey: 'sk-stored',
  baseUrl: 'http://stored/v1',
  accessKey: 'AK',
  region: 'eu',
  apiVersion: null,
  version: 3,
  updatedAt: new Date(0),
  lastSynced: null,
};

it.each([
  ['https://api.example.com/v1', null],
  ['http://127.0.0.1:11434', null],
  ['http://[::1]:1/v1/', null],
  ['api.example.com', 'is not a URL'],
  ['ftp://example.com', 'is not a URL'],
  ['http://a:b@example.com', 'user name or password'],
  ['http://example.com/v1?a=1', 'a query'],
  ['http://example.com/v1#a', 'a query'],
])('finds in the address %s: %s', (address, problem) => {
  if (problem === null) expect(addressProblem(address)).toBeNull();
  else expect(addressProblem(address)).toContain(problem);
});

it('reads a creation: keys without spaces around them, nothing for what is empty', () => {
  const sent = {
    name: 'mine',
    provider_type: 'vllm',
    api_key: ' k ',
    base_url: '',
    region: null,
    profile: 'x',
  };

  expect(parseProvider(sent)).toEqual({
    name: 'mine',
    providerType: 'vllm',
    apiKey: 'k',
    baseUrl: null,
    accessKey: null,
    region: null,
    apiVersion: null,
  });
});

it('changes what an update has, keeps what it leaves out or masks, and takes away what is empty', () => {
  const { name, providerType, apiKey, baseUrl, accessKey, region, apiVersion } = stored;
  const fields = { name, providerType, apiKey, baseUrl, accessKey, region, apiVersion };

  expect(parseProviderUpdate({ api_key: '[secret]', access_key: null })(stored)).toEqual(fields);
  expect(
    parseProviderUpdate({ api_key: 'sk-next', base_url: '', region: 'us', access_key: '[secret]' })(stored),
  ).toEqual({ ...fields, apiKey: 'sk-next', baseUrl: null, region: 'us' });
});
