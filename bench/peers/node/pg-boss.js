// pg-boss: finished jobs keep their rows for a week. Tuned as its documentation says: large batches, fetched
// again at once while they come back full, and notifications.

import { PgBoss } from "pg-boss";

import { serve } from "./protocol.js";

const QUEUE = "noop";
const BATCH = 5000;

/** Without maintenance and schedules in the inserting process. */
async function insert(connectionString) {
  const boss = new PgBoss({ connectionString, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue(QUEUE, { notify: true });
  return async (jobs) => {
    for (let left = jobs; left > 0; left -= BATCH) {
      await boss.insert(QUEUE, Array.from({ length: Math.min(left, BATCH) }, () => ({ data: {} })));
    }
  };
}

async function work(connectionString, tuned, begins) {
  const boss = new PgBoss({ connectionString, useListenNotify: tuned });
  boss.on("error", console.error);
  await boss.start();
  const batches = {
    batchSize: 500,
    localConcurrency: 4,
    pollingIntervalSeconds: 0.5,
    burstWhenBatchFull: true,
  };
  await boss.work(QUEUE, tuned ? batches : {}, async (jobs) => jobs.forEach(begins));
}

await serve({ insert, work });
