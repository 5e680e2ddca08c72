/** A formula for a Homebrew tap: what `brew install OWNER/TAP/snet` reads. */

export interface Release {
  readonly version: string;
  /** `https://github.com/OWNER/NAME`; the files are those of its release `vVERSION`. */
  readonly repository: string;
  /** SHA-256 by the names of the files, in hexadecimal. */
  readonly sums: ReadonlyMap<string, string>;
}

/**
 * Which file goes to which machine. On Linux the one for every x86-64: a formula can't ask for AVX2.
 * https://docs.brew.sh/Formula-Cookbook#handling-different-system-configurations
 */
const FILES = {
  on_macos: { on_arm: 'snet-darwin-arm64', on_intel: 'snet-darwin-x64' },
  on_linux: { on_arm: 'snet-linux-arm64', on_intel: 'snet-linux-x64-baseline' },
} as const;

/**
 * The text of snet.rb.
 * @throws RangeError if a file that it names is not in the release, or a text would not be one in Ruby
 */
export function renderFormula({ version, repository, sums }: Release): string {
  const name = `the version ${version} of ${repository}`;
  if (!/^https:\/\/[\w./-]+$/.test(repository) || !/^\d[\w.-]*$/.test(version)) {
    throw new RangeError(`${name} can't be written into a formula`);
  }
  const download = (file: string) => {
    const sum = sums.get(file);
    if (sum === undefined || !/^[0-9a-f]{64}$/.test(sum)) throw new RangeError(`${name} has no ${file}`);
    return [`url "${repository}/releases/download/v${version}/${file}"`, `sha256 "${sum}"`];
  };
  const block = (head: string, lines: readonly string[]) => [
    `${head} do`,
    ...lines.map((line) => `  ${line}`),
    'end',
  ];
  const downloads = Object.entries(FILES).flatMap(([system, files]) => [
    ...block(
      system,
      Object.entries(files).flatMap(([processor, file]) => block(processor, download(file))),
    ),
    '',
  ]);
  return `# Written by build.ts of snet.
class Snet < Formula
  desc "Makes a whole machine reach the Internet through a proxy"
  homepage "${repository}"
  version "${version}"
  license "MIT"

${downloads.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')}
  def install
    bin.install Dir["snet-*"].first => "snet"
  end

  service do
    run [opt_bin/"snet", "run", "-c", etc/"snet.json"]
    keep_alive crashed: true
    require_root true
    log_path var/"log/snet.log"
    error_log_path var/"log/snet.log"
  end

  def caveats
    <<~TEXT
      snet runs as root, and whoever may write to #{opt_bin} decides what root runs.
      On a machine that you share, copy it to where only root may write:
        sudo install -m 755 #{opt_bin}/snet /usr/local/bin/snet
      The service reads #{etc}/snet.json, which \`snet init\` writes.
    TEXT
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/snet version")
  end
end
`;
}
