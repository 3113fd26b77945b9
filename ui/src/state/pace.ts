// pace: runs what is asked for again and again, but never twice at once and at most once per interval.

export interface PaceEnv {
  now(): number;
  after(ms: number, run: () => void): number;
  cancel(timer: number): void;
}

/** Any number of pokes within the interval become one run at its end; a poke during a run becomes one after it. */
export class Pace {
  private last = -Infinity;
  private timer = 0;
  private isRunning = false;
  private isWanted = false;
  private isStopped = false;

  constructor(private run: () => Promise<void>, private every_ms: number, private env: PaceEnv) {}

  poke(): void {
    if (this.isStopped) return;
    this.isWanted = true;
    if (this.isRunning || this.timer !== 0) return;
    const wait = this.last + this.every_ms - this.env.now();
    if (wait <= 0) this.go();
    else {
      this.timer = this.env.after(wait, () => {
        this.timer = 0;
        this.go();
      });
    }
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== 0) this.env.cancel(this.timer);
    this.timer = 0;
  }

  private go(): void {
    this.isRunning = true;
    this.isWanted = false;
    this.last = this.env.now();
    const done = () => {
      this.isRunning = false;
      if (this.isWanted) this.poke();
    };
    this.run().then(done, done);
  }
}
