/**
 * What the shells run. Each hands the words up to the cursor to `invsync __complete`, which prints a candidate per line,
 * a tab, and what it means; `:files` leaves the word to the shell.
 */
export const completionScripts = {
  bash: `# invsync for bash: eval "$(invsync completion bash)"
_invsync() {
  local line cur head="" typed="\${COMP_LINE:0:COMP_POINT}"
  local -a words
  # Without -r: what is escaped on the line is meant without the backslash.
  read -a words <<<"$typed"
  case "$typed" in *[[:space:]]) words+=("") ;; esac
  cur="\${words[\${#words[@]}-1]}"
  # bash takes a colon for the end of a word and replaces only what comes after it.
  case "$COMP_WORDBREAKS$cur" in *:*:*) head="\${cur%"\${cur##*:}"}" ;; esac
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
    else
      line="\${line%%$'\\t'*}"
      COMPREPLY+=("$(printf '%q' "\${line#"$head"}")")
    fi
  done < <(invsync __complete "\${words[@]:1}" 2>/dev/null)
}
complete -F _invsync invsync
`,
  zsh: `#compdef invsync
# invsync for zsh: eval "$(invsync completion zsh)" after compinit, or this file as _invsync in a folder of $fpath
_invsync() {
  local line files=0
  local -a found
  for line in "\${(@f)$(invsync __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)words[CURRENT]}" 2>/dev/null)}"; do
    [[ -z "$line" ]] && continue
    if [[ "$line" == ":files" ]]; then files=1; else
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  if (( files )); then _files; else _describe -t invsync invsync found; fi
}
if [[ "$funcstack[1]" == "_invsync" ]]; then _invsync "$@"; else compdef _invsync invsync; fi
`,
  fish: `# invsync for fish: invsync completion fish > ~/.config/fish/completions/invsync.fish
function __invsync_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (invsync __complete $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c invsync -f -a '(__invsync_complete)'
`,
} as const;
