import { Router as createRouter, type Router } from 'express';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import { complexJoinRoutes } from './complex-join.ts';
import { cpuRoutes } from './cpu.ts';
import { errorRoutes } from './error.ts';
import { fullScanRoutes } from './full-scan.ts';
import { memoryRoutes } from './memory.ts';
import { nPlusOneRoutes } from './n-plus-one.ts';
import { slowRoutes } from './slow.ts';

/** Endpoints that are bad in one way each, for real. */
export const performanceRoutes = ({ db }: { db: Executor }): Router =>
  createRouter().use(
    slowRoutes(),
    cpuRoutes(),
    memoryRoutes(),
    nPlusOneRoutes({ db }),
    errorRoutes({ db }),
    fullScanRoutes({ db }),
    complexJoinRoutes({ db }),
  );
