import type { Settings } from '../../../../shared/contracts/settings.ts';
import type { Alert } from '../../../../shared/http/alerts.ts';
import { messageOf } from '../../../../shared/kernel/errors.ts';
import type { Service } from '../../../../shared/kernel/lifecycle.ts';
import { createLoop } from '../../../../shared/kernel/loop.ts';
import type { Logger } from '../../../../shared/platform/log.ts';
import { diskPercent, memoryPercent } from '../../../../shared/platform/machine-use.ts';
import type { Db } from '../../../../shared/platform/postgres/db.ts';
import { type FailureRates, readFailureRates } from '../../../../shared/store/failure-rates.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import type { ResponseTimes } from './response-times.ts';

/**
 * Watches the figures that have a threshold in the settings. An alert is `firing` while its figure is above it, and `ok`
 * otherwise; a change is logged once, and its time is kept for as long as this process lives.
 */
export interface AlertWatch extends Service {
  start(): void;
  /** Judges the state of now. */
  look(): Promise<Alert[]>;
  /** What the last look found, without looking again. */
  latest(): readonly Alert[];
}

export interface AlertDeps {
  db: Db;
  logger: Logger;
  responseTimes: ResponseTimes;
  /** The folder whose disk is watched for room. */
  dataDir: string;
}

const intervalMs = 30_000;

export function createAlertWatch(deps: AlertDeps): AlertWatch {
  let latest: readonly Alert[] = [];

  async function look(): Promise<Alert[]> {
    const at = new Date().toISOString();
    const alerts = (await readFigures(deps)).map(figure => judge(figure, latest, at));
    for (const alert of alerts) tellChange(deps.logger, alert, latest);
    latest = alerts;
    return alerts;
  }

  const { name, start, stop } = createLoop({
    name: 'alerts',
    intervalMs,
    runOnce: look,
    onError: error => deps.logger.warn({ reason: messageOf(error) }, 'alerts could not be looked at'),
  });
  return { name, start, stop, look, latest: () => latest };
}

type Figure = Pick<Alert, 'name' | 'unit' | 'detail' | 'value' | 'threshold'>;

async function readFigures({ db, responseTimes, dataDir }: AlertDeps): Promise<Figure[]> {
  const [settings, rates, disk] = await Promise.all([
    readSettings(db),
    readFailureRates(db),
    diskPercent(dataDir),
  ]);
  return [...failureFigures(settings, rates), ...machineFigures(settings, responseTimes.p95() ?? null, disk)];
}

const failureFigures = (settings: Settings, { users, syncs }: FailureRates): Figure[] => [
  {
    name: 'user_creation_failure_rate',
    unit: 'share',
    value: shareOf(users),
    threshold: settings.alert_user_creation_failure_rate,
    detail: `${users.failed} of ${users.total} users of the batches that ended within an hour failed`,
  },
  {
    name: 'sync_failure_rate',
    unit: 'share',
    value: shareOf(syncs),
    threshold: settings.alert_sync_failure_rate,
    detail: `${syncs.failed} of ${syncs.total} syncs that ended within an hour failed`,
  },
];

const machineFigures = (settings: Settings, p95: number | null, disk: number): Figure[] => [
  {
    name: 'response_time_p95',
    unit: 'seconds',
    value: p95,
    threshold: settings.alert_response_time_p95_seconds,
    detail: 'Of the answers of this api process within five minutes, streams left out',
  },
  {
    name: 'memory_usage_percent',
    unit: 'percent',
    value: rounded(memoryPercent()),
    threshold: settings.alert_memory_percent,
    detail: 'Of the machine of this api process, or of its container',
  },
  {
    name: 'disk_usage_percent',
    unit: 'percent',
    value: rounded(disk),
    threshold: settings.alert_disk_percent,
    detail: 'Of the disk with the data folder of this api process',
  },
];

const shareOf = ({ total, failed }: { total: number; failed: number }): number | null =>
  total === 0 ? null : failed / total;

const rounded = (value: number): number => Math.round(value * 10) / 10;

function judge(figure: Figure, before: readonly Alert[], at: string): Alert {
  const status = figure.value !== null && figure.value > figure.threshold ? 'firing' : 'ok';
  const last = before.find(({ name }) => name === figure.name);
  return { ...figure, status, since: last?.status === status ? last.since : at };
}

function tellChange(logger: Logger, alert: Alert, before: readonly Alert[]): void {
  const last = before.find(({ name }) => name === alert.name)?.status ?? 'ok';
  if (last === alert.status) return;
  const { name, value, threshold, detail } = alert;
  if (alert.status === 'firing') logger.warn({ alert: name, value, threshold, detail }, 'an alert is firing');
  else logger.info({ alert: name, value, threshold }, 'an alert is over');
}
