/** The services' time, learned from their answers: the time of a DPoP proof must not be a minute off. */

/** Seconds. A Date header has whole seconds only, and may be some time under way. */
const TOLERATED = 5;

export interface Clock {
  /** Milliseconds since the epoch, by the services' clock. */
  now(): number;
  /** The same by this computer's clock, which counts a reader's waits and which tabs compare. */
  local(): number;
  /** Seconds by which the services' clock is ahead of this computer's; 0 while they agree. */
  skew(): number;
  /** Learns from the Date header of an answer, where the page may read it. */
  hear(answer: Response): void;
}

export function createClock(local: () => number = () => Date.now()): Clock {
  let skew = 0;
  return {
    now: () => local() + skew * 1000,
    local,
    skew: () => skew,
    hear(answer) {
      const told = Date.parse(answer.headers.get("date") ?? "");
      if (Number.isNaN(told)) return;
      const seconds = Math.round((told - local()) / 1000);
      skew = Math.abs(seconds) > TOLERATED ? seconds : 0;
    },
  };
}
