import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import express from 'express';
import pino from 'pino';
import { serveHttp } from '../../../shared/platform/http-server.ts';
import { accessLog } from './access-log.ts';

/** The lines that one request leaves, with this many proxies trusted. */
async function linesOf(trustedProxies: number, headers: Record<string, string>) {
  const output = new PassThrough();
  const app = express().set('trust proxy', trustedProxies);
  app.use(accessLog(pino(output)), (_request, response) => response.sendStatus(204));
  const server = await serveHttp(app, { name: 'test', host: '127.0.0.1', port: 0 });
  await fetch(`${server.url}/some/path?token=secret-1`, { headers: { 'X-API-Key': 'secret-2', ...headers } });
  await server.stop();
  output.end();
  return text(output);
}

describe('the access log', () => {
  it('has one line a request, without query and headers', async () => {
    const lines = await linesOf(0, { 'X-Request-Id': 'abc' });
    expect(lines.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(lines)).toMatchObject({
      request_id: 'abc',
      req: { method: 'GET', path: '/some/path', address: '127.0.0.1' },
      res: { status: 204 },
    });
    expect(lines).not.toContain('secret-');
  });

  it('has the client address that a trusted proxy forwards, and believes no other', async () => {
    const forwarded = { 'X-Forwarded-For': '203.0.113.7' };
    expect(JSON.parse(await linesOf(1, forwarded))).toMatchObject({ req: { address: '203.0.113.7' } });
    expect(JSON.parse(await linesOf(0, forwarded))).toMatchObject({ req: { address: '127.0.0.1' } });
  });
});
