/** A command as it is completed. */
export interface CompletedCommand {
  /** Its words. */
  words: readonly string[];
  /** Its flags as they are typed. */
  flags: readonly string[];
}

/** What a shell takes as it stands; a plugin's command may be called anything. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/**
 * A script that completes the words of commands and their flags, in bash and, by what zsh has for that, in zsh. All it
 * knows is in it, so that no key press starts d3. Pure.
 */
export function completionScript(kind: 'bash' | 'zsh', commands: readonly CompletedCommand[]): string {
  const known = commands.filter(({ words }) => words.length > 0 && words.every((word) => PLAIN.test(word)));
  const next = new Map<string, Set<string>>();
  for (const { words } of known) {
    for (const [at, word] of words.entries()) {
      const before = words.slice(0, at).join(' ');
      next.set(before, (next.get(before) ?? new Set()).add(word));
    }
  }
  const flags = known.map(({ words, flags: all }): [string, string[]] => [
    words.join(' '),
    all.filter((flag) => /^--?[A-Za-z0-9][A-Za-z0-9-]*$/.test(flag)).sort(),
  ]);
  const zsh =
    kind === 'zsh' ? 'autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n' : '';
  return `# Completion of d3 and d3admin for ${kind}, as their commands are now: make it again when plugins come or go.
${zsh}${table(
  '_d3_next',
  [...next].map(([before, after]) => [before, [...after].sort()]),
)}
${table('_d3_flags', flags)}
_d3() {
  local cur at word path="" tried
  cur="\${COMP_WORDS[COMP_CWORD]}"
  case "\${COMP_WORDS[0]##*/}" in d3admin) path="admin" ;; esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case "$word" in -*) continue ;; esac
    tried="\${path:+$path }$word"
    if [ -z "$(_d3_next "$tried")$(_d3_flags "$tried")" ]; then break; fi
    path="$tried"
  done
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$(_d3_flags "$path")" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$(_d3_next "$path")" -- "$cur")) ;;
  esac
}
complete -o default -F _d3 d3 d3admin
`;
}

function table(name: string, rows: readonly (readonly [string, readonly string[]])[]): string {
  const cases = rows.map(([words, values]) => `    '${words}') echo '${values.join(' ')}' ;;`);
  return `${name}() {\n  case "$1" in\n${cases.join('\n')}\n  esac\n}`;
}
