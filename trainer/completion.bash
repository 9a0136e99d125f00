# shellcheck shell=bash
# Completes the commands and options of adain; for everything else bash offers files.
_adain() {
  local word=${COMP_WORDS[COMP_CWORD]} words=
  # Only the name of the command is handed over: the rest of the line may be half a quotation, and must not be carried out.
  if [ "$COMP_CWORD" -eq 1 ] && [[ $word != -* ]]; then
    words=$("$1" --generate-bash-completion 2>/dev/null)
  elif [ "$COMP_CWORD" -eq 1 ]; then
    words=$("$1" - --generate-bash-completion 2>/dev/null)
  elif [[ $word == -* && ${COMP_WORDS[1]} != -* ]]; then
    words=$("$1" "${COMP_WORDS[1]}" - --generate-bash-completion 2>/dev/null)
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o bashdefault -o default -F _adain adain
