import { defineConfig } from 'drizzle-kit';

/** Migrations of the application's database: the storefront's own tables, and Muster's ledger beside them. */
export default defineConfig({
  dialect: 'postgresql',
  schema: './drizzle/application/schema/*.ts',
  out: './drizzle/application/migrations',
});
