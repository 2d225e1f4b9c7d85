import { ChannelError } from '../errors.ts';

/** What is particular about a list that comes in pages. */
export interface WalkPlan<At, Page> {
  /** Names the list in messages ("the list of products"). */
  what: string;
  first: At;
  ask(at: At): Promise<Page>;
  /** Where the next page is: a cursor, a page or offset, an address, the last id. Null: this was the last one. */
  next(page: Page, at: At): At | null | undefined;
  /** What a page lists; where it is given, a page that goes on with none, or with those of the page before, is an error. */
  rows?(page: Page): readonly unknown[];
  /** More pages than any sound list has. */
  mostPages?: number;
}

/** All pages of a list. One that goes on without going forward ends in a `ChannelError`, never in silence. */
export async function* walkPages<At, Page>(plan: WalkPlan<At, Page>): AsyncGenerator<Page> {
  const { what, mostPages = 10_000 } = plan;
  let at = plan.first;
  let before = '';
  for (let pages = 1; ; pages += 1) {
    const page = await plan.ask(at);
    yield page;
    const next = plan.next(page, at);
    if (next === null) return;
    if (next === undefined || next === '' || JSON.stringify(next) === JSON.stringify(at))
      throw new ChannelError('retry', `${what} says that it goes on, but not where`);
    if (plan.rows !== undefined) {
      const rows = JSON.stringify(plan.rows(page));
      if (rows === '[]' || rows === before)
        throw new ChannelError('retry', `${what} says that it goes on, but brings nothing new`);
      before = rows;
    }
    if (pages >= mostPages) throw new ChannelError('retry', `${what} has more than ${mostPages} pages`);
    at = next;
  }
}
