/** What Prometheus asks for: counters and one histogram, in its text format. */

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Timing {
  counts: number[];
  sum: number;
  count: number;
}

export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #timings = new Map<string, Timing>();
  readonly #counters = new Map<string, { help: string; value: number }>();

  /** @param seconds from the head of the request to the end of the answer */
  request(route: string, method: string, status: number, seconds: number): void {
    const labels = `route="${escaped(route)}",method="${method}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    let timing = this.#timings.get(route);
    if (timing === undefined) {
      timing = { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
      this.#timings.set(route, timing);
    }
    const bucket = BUCKETS.findIndex((most) => seconds <= most);
    if (bucket >= 0) timing.counts[bucket] = (timing.counts[bucket] as number) + 1;
    timing.sum += seconds;
    timing.count += 1;
  }

  count(name: string, help: string, by = 1): void {
    const counter = this.#counters.get(name);
    if (counter === undefined) this.#counters.set(name, { help, value: by });
    else counter.value += by;
  }

  /** @param gauges what is so now, by name */
  text(gauges: Readonly<Record<string, { help: string; value: number }>>): string {
    const lines: string[] = [];
    const head = (name: string, type: string, help: string) => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    };
    head('d3_http_requests_total', 'counter', 'Requests answered.');
    for (const [labels, value] of this.#requests) lines.push(`d3_http_requests_total{${labels}} ${value}`);
    head('d3_http_request_seconds', 'histogram', 'Time an answer took.');
    for (const [route, { counts, sum, count }] of this.#timings) {
      const label = `route="${escaped(route)}"`;
      let below = 0;
      for (const [index, most] of BUCKETS.entries()) {
        below += counts[index] as number;
        lines.push(`d3_http_request_seconds_bucket{${label},le="${most}"} ${below}`);
      }
      lines.push(
        `d3_http_request_seconds_bucket{${label},le="+Inf"} ${count}`,
        `d3_http_request_seconds_sum{${label}} ${sum}`,
        `d3_http_request_seconds_count{${label}} ${count}`,
      );
    }
    for (const [name, { help, value }] of this.#counters) {
      head(name, 'counter', help);
      lines.push(`${name} ${value}`);
    }
    for (const [name, { help, value }] of Object.entries(gauges)) {
      head(name, 'gauge', help);
      lines.push(`${name} ${value}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

function escaped(label: string): string {
  return label.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
