#compdef adain
# Completes the commands and options of adain; for everything else zsh offers files.
compdef _adain adain
_adain() {
  local -a found
  # Only the name of the command is handed over: the rest of the line may be half a quotation. The variable 0 asks for usages.
  if [[ $CURRENT -eq 2 && $PREFIX != -* ]]; then
    found=("${(@f)$(env 0=zsh $words[1] --generate-bash-completion 2>/dev/null)}")
    _describe command found
  elif [[ $CURRENT -eq 2 ]]; then
    found=("${(@f)$($words[1] - --generate-bash-completion 2>/dev/null)}")
    _describe option found
  elif [[ $PREFIX == -* && $words[2] != -* ]]; then
    found=("${(@f)$($words[1] $words[2] - --generate-bash-completion 2>/dev/null)}")
    _describe option found
  else
    _files
  fi
}
# zsh runs this file for the first completion when it found it by its first line.
[[ $funcstack[1] != _adain ]] || _adain "$@"
