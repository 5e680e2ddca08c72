/** What an import `with { type: 'file' }` gives: the path of the file. */
declare module '*.bin' {
  const path: string;
  export default path;
}
