import { isAppError } from '../kernel/errors.ts';
import { loadConfig, required, targetAllowlist } from './config.ts';

describe('the configuration', () => {
  it('has a default for everything that has one, and takes an empty variable for unset', () => {
    expect(loadConfig({ PORT: '', REDIS_URL: '' })).toMatchObject({
      PORT: 8080,
      NODE_ENV: 'production',
      WORKERS: 2,
    });
  });

  it('names every variable at fault at once', () => {
    const load = () => loadConfig({ PORT: '99999', WORKERS: 'two', DATABASE_URL: 'mysql://x' });
    for (const name of ['PORT', 'WORKERS', 'DATABASE_URL']) expect(load).toThrow(name);
    expect(() => loadConfig({ WORKERS: 'two', REDIS_URL: 'localhost' })).toThrow(
      /WORKERS.*REDIS_URL|REDIS_URL.*WORKERS/,
    );
  });

  it('refuses to switch authentication off in production', () => {
    expect(() => loadConfig({ DISABLE_AUTH: 'true' })).toThrow('DISABLE_AUTH');
    expect(loadConfig({ DISABLE_AUTH: 'true', NODE_ENV: 'development' }).DISABLE_AUTH).toBe(true);
  });

  it('lets load tests hit this machine and the storefront, unless it says otherwise', () => {
    const allowed = (env: NodeJS.ProcessEnv) => targetAllowlist(loadConfig(env));
    expect(allowed({})).toEqual(['localhost']);
    expect(allowed({ STOREFRONT_URL: 'http://[::1]:5001/' })).toEqual(['localhost', '::1']);
    const settings = {
      TARGET_ALLOWLIST: 'shop.example.test, 10.0.0.0/8',
      STOREFRONT_URL: 'http://shop:5001',
    };
    expect(allowed(settings)).toEqual(['shop.example.test', '10.0.0.0/8']);
    expect(() => allowed({ TARGET_ALLOWLIST: 'http://shop' })).toThrow('TARGET_ALLOWLIST');
  });

  it('says how to give a setting that is missing', () => {
    try {
      required(loadConfig({}), 'DATABASE_URL');
      throw new Error('nothing was thrown');
    } catch (error) {
      expect(isAppError(error, 'validation_failed') && error.hint).toContain('npm start');
    }
  });
});
