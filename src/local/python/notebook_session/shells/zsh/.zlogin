# The last file that zsh reads: the user's own, then the session's environment. Later shells find the user's files again.
NOTEBOOK_SESSIONS_SHELLS=${ZDOTDIR:h}
if [[ $NOTEBOOK_SESSIONS_ZDOTDIR == $HOME ]]; then unset ZDOTDIR; else ZDOTDIR=$NOTEBOOK_SESSIONS_ZDOTDIR; fi
if [[ -r ${ZDOTDIR:-$HOME}/.zlogin ]]; then . "${ZDOTDIR:-$HOME}/.zlogin"; fi
. "$NOTEBOOK_SESSIONS_SHELLS/path.sh"
rehash
unset NOTEBOOK_SESSIONS_ZDOTDIR NOTEBOOK_SESSIONS_SHELLS
