# The last file that zsh runs. Runs the user's .zlogin, then sets the session's environment. Shells that the user starts later
# run the user's files only.
NOTEBOOK_SESSIONS_SHELLS=${ZDOTDIR:h}
if [[ $NOTEBOOK_SESSIONS_ZDOTDIR == $HOME ]]; then unset ZDOTDIR; else ZDOTDIR=$NOTEBOOK_SESSIONS_ZDOTDIR; fi
if [[ -r ${ZDOTDIR:-$HOME}/.zlogin ]]; then . "${ZDOTDIR:-$HOME}/.zlogin"; fi
. "$NOTEBOOK_SESSIONS_SHELLS/path.sh"
rehash
unset NOTEBOOK_SESSIONS_ZDOTDIR NOTEBOOK_SESSIONS_SHELLS
