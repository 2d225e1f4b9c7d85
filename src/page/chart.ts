import { html, type Markup } from './html.ts';

/** A value that holds from its time on. Times in ms. */
export interface Step {
  at: number;
  value: number;
}

const box = { width: 640, height: 140, left: 40, right: 8, top: 10, bottom: 24 } as const;

/** A number over time as a staircase, on a scale from 0; `steps` oldest first, the first at or before `from`. */
export function stairs(
  label: string,
  steps: readonly Step[],
  { from, until }: { from: number; until: number },
): Markup {
  const top = Math.max(1, ...steps.map(({ value }) => value));
  const x = (at: number) => scaled((Math.max(from, at) - from) / Math.max(1, until - from), box.left, right);
  const y = (value: number) => scaled(1 - Math.max(0, value) / top, box.top, floor);
  const path = steps.map(({ at, value }, index) =>
    index === 0 ? `M${x(at)} ${y(value)}` : `H${x(at)}V${y(value)}`,
  );
  const days = [from, (from + until) / 2, until];
  const said = `${label}: from ${steps[0]?.value ?? 0} to ${steps.at(-1)?.value ?? 0}, at most ${top}`;
  return drawing(said, top, [
    html`<path class="curve" d="${path.join('')}H${right}"/>`,
    days.map((at, index) => dayText(at, [box.left, (box.left + right) / 2, right][index] ?? 0, index)),
  ]);
}

const right = box.width - box.right;
const floor = box.height - box.bottom;

function scaled(share: number, low: number, high: number): string {
  return (low + Math.min(1, Math.max(0, share)) * (high - low)).toFixed(1);
}

function drawing(said: string, top: number, inside: Parameters<typeof html>[1][]): Markup {
  return html`<svg viewBox="0 0 ${box.width} ${box.height}" role="img" aria-label="${said}"><title>${said}</title>
<line class="axis" x1="${box.left}" y1="${floor}" x2="${right}" y2="${floor}"/>
<text x="${box.left - 6}" y="${box.top + 8}" text-anchor="end">${Math.round(top)}</text><text x="${box.left - 6}" y="${floor}" text-anchor="end">0</text>
${inside}</svg>`;
}

function dayText(at: number, x: number, place: number): Markup {
  const anchor = ['start', 'middle', 'end'][place] ?? 'start';
  const day = new Date(at).toISOString().slice(5, 16).replace('T', ' ');
  return html`<text x="${x}" y="${box.height - 6}" text-anchor="${anchor}">${day}</text>`;
}
