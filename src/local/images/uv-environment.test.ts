import { expect, it } from 'vitest';
import { uvEnvironment } from './uv-environment.ts';

const fixed = {
  LANG: 'C.UTF-8',
  UV_CACHE_DIR: '/cache',
  UV_NO_CONFIG: '1',
  UV_NO_PROGRESS: '1',
  UV_PYTHON_DOWNLOADS: 'never',
  NO_COLOR: '1',
};

it('keeps the owner’s index, certificates and proxies, and no setting that changes the installation', () => {
  const own = {
    UV_DEFAULT_INDEX: 'https://mirror.example.org/simple',
    UV_INDEX_MIRROR_PASSWORD: 'p',
    https_proxy: 'http://proxy.example.org',
    SSL_CERT_FILE: '/ca.pem',
  };
  const harmful = {
    UV_NO_BINARY: '1',
    UV_OVERRIDE: '/o.txt',
    UV_CONFIG_FILE: '/uv.toml',
    UV_NO_CONFIG: '0',
    UV_CACHE_DIR: '/other',
    PYTHONPATH: '/x',
    GITLAB_TOKEN: 't',
    VIRTUAL_ENV: '/v',
  };
  expect(uvEnvironment({ ...own, ...harmful }, '/cache')).toEqual({ ...own, ...fixed });
});

it('uses pip’s index if uv’s variables name no index', () => {
  const pip = {
    PIP_INDEX_URL: 'https://pip.example.org/simple',
    PIP_EXTRA_INDEX_URL: 'https://more.example.org/simple',
    PIP_CERT: '/pip.pem',
    PIP_TRUSTED_HOST: 'pip.example.org',
    PIP_DEFAULT_TIMEOUT: '60',
  };
  const others = { SSL_CERT_FILE: '/pip.pem', UV_INSECURE_HOST: 'pip.example.org', UV_HTTP_TIMEOUT: '60' };
  expect(uvEnvironment(pip, '/cache')).toEqual({
    ...fixed,
    ...others,
    UV_DEFAULT_INDEX: 'https://pip.example.org/simple',
    UV_INDEX: 'https://more.example.org/simple',
  });
  expect(
    uvEnvironment({ ...pip, UV_INDEX: 'https://uv.example.org/simple', SSL_CERT_FILE: '/uv.pem' }, '/cache'),
  ).toEqual({
    ...fixed,
    ...others,
    SSL_CERT_FILE: '/uv.pem',
    UV_INDEX: 'https://uv.example.org/simple',
  });
});
