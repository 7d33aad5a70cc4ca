import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { Connection, type Credentials } from '../../src/connector/connection.ts';
import { SECRET, StandIn } from './jamf-pro.ts';

/** A stand-in, connections to it, and one clock for both that runs only when somebody waits. */
export class TestSite {
  readonly jamf = new StandIn();
  /** How long each wait of a connection was, in milliseconds. */
  readonly waits: number[] = [];
  readonly stopping = new AbortController();
  now = Date.parse('2026-01-01T00:00:00Z');
  server = '';
  readonly #connections: Connection[] = [];

  static async open(): Promise<TestSite> {
    const site = new TestSite();
    site.jamf.now = () => site.now;
    site.server = await site.jamf.start();
    return site;
  }

  connect(credentials: Credentials = { clientId: 'd3', clientSecret: SECRET }): Connection {
    const made = new Connection({
      server: this.server,
      credentials: async () => credentials,
      clock: {
        now: () => this.now,
        wait: async (milliseconds) => {
          this.waits.push(milliseconds);
          this.now += milliseconds;
        },
      },
      signal: this.stopping.signal,
    });
    this.#connections.push(made);
    return made;
  }

  /** Ends everything; an answer of the stand-in that broke the schema fails the test. */
  async close(): Promise<void> {
    await Promise.all(this.#connections.map(async (one) => one.close()));
    await this.jamf.stop();
    expect(this.jamf.wrong).to.deep.equal([]);
  }

  calls(call: string): number {
    return this.jamf.requests.filter((one) => one.call === call).length;
  }
}

/** The error some work fails with, which has to be one a person reads. */
export async function failureOf(work: Promise<unknown>): Promise<D3Error> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(D3Error);
  return error as D3Error;
}
