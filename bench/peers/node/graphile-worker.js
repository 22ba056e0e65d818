// graphile-worker: finished jobs are deleted. Tuned as its page on performance says: jobs are fetched and
// completed in batches.

import { Logger, makeWorkerUtils, run } from "graphile-worker";

import { serve } from "./protocol.js";

const BATCH = 5000;
const quiet = { logger: new Logger(() => () => {}) };

async function insert(connectionString) {
  const utils = await makeWorkerUtils({ ...quiet, connectionString });
  await utils.migrate();
  return async (jobs) => {
    for (let left = jobs; left > 0; left -= BATCH) {
      const specs = Array.from({ length: Math.min(left, BATCH) }, () => ({ identifier: "noop", payload: {} }));
      await utils.addJobs(specs);
    }
  };
}

async function work(connectionString, tuned, begins) {
  const batches = {
    concurrentJobs: 24,
    maxPoolSize: 10,
    localQueue: { size: 2000 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
  await run({
    ...quiet,
    connectionString,
    noHandleSignals: true,
    preset: { worker: tuned ? batches : {} },
    taskList: { noop: async () => begins() },
  });
}

await serve({ insert, work });
