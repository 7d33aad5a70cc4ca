import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What cannot be reached, and what axe finds wrong for those who see, hear or type. */
export async function problemsOf(page: Page): Promise<string[]> {
  const outside = await page.evaluate<string[]>(`(() => {
    const root = document.documentElement;
    const all = [...document.querySelectorAll('main *:not(.spoken, .bar div)')]
      .filter((one) => one.checkVisibility() && !one.closest('#steps li'))
      .filter((one) => {
        const { left, right, width, height } = one.getBoundingClientRect();
        return width > 0 && height > 0 && (left < -1 || right > innerWidth + 1);
      })
      .map((one) => (one.id || one.tagName) + ' is cut at a side');
    if (root.scrollWidth > innerWidth + 1) all.push('it scrolls sideways');
    // Larger screens hold all of it.
    if (innerWidth > 640 && root.scrollHeight > innerHeight + 1) all.push('it scrolls');
    return all;
  })()`);
  await page.evaluate(axe.source);
  const found = await page.evaluate<{ id: string; nodes: { html: string; failureSummary: string }[] }[]>(
    'axe.run().then(({ violations }) => violations)',
  );
  return [
    ...outside,
    ...found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)),
  ];
}
