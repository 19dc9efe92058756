import { Router as createRouter, type Router } from 'express';
import type { Sql } from '../../../shared/platform/postgres/db.ts';
import { currentUser } from './current-user.ts';

/** `GET /me`: the profile of whoever is logged in. */
export const meRoutes = ({ sql }: { sql: Sql }): Router =>
  createRouter().get('/me', async (request, response) => {
    response.json({ user: await currentUser(sql, request, response) });
  });
