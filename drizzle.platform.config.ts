import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './drizzle/platform/schema/*.ts',
  out: './drizzle/platform/migrations',
});
