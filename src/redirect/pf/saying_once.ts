/** What stays wrong is said once. */

/** @returns whether this is news: not what was said the last time; undefined: nothing to say, all is well again */
export function sayingOnce(): (what: string | undefined) => boolean {
  let said: string | undefined;
  return (what) => {
    const isNews = what !== undefined && what !== said;
    said = what;
    return isNews;
  };
}
