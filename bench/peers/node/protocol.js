// What the runner of the comparison asks of a peer, over the command line and standard streams:
//   PROGRAM insert URL             migrates; then, for each line of standard input, inserts that many jobs
//                                  and answers with the time at which their commit was known
//   PROGRAM work URL SETTINGS      prints the time and works until it is killed; SETTINGS is `tuned` or `default`
//   PROGRAM work URL SETTINGS tell the same, and prints the time at which each job begins
// Times are microseconds since 1970.

import { createInterface } from "node:readline";

const nowUs = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
const [command, url, settings, tell] = process.argv.slice(2);

/** Runs the peer: `insert(url)` answers a function that inserts; `work(url, tuned, begins)` starts to work. */
export async function serve({ insert, work }) {
  if (command === "work") {
    console.log(nowUs());
    await work(url, settings === "tuned", tell ? () => console.log(nowUs()) : () => {});
    return;
  }
  const insertJobs = await insert(url);
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    await insertJobs(Number(line));
    console.log(nowUs());
  }
  process.exit(0);
}
