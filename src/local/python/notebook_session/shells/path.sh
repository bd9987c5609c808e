# Puts the session's environment first on PATH, after the user's start-up files. For bash, zsh and sh.
VIRTUAL_ENV=$NOTEBOOK_SESSIONS_OVERLAY
case "$PATH:" in
"$VIRTUAL_ENV/bin:$VIRTUAL_ENV/image/bin:"*) ;;
*) PATH=$VIRTUAL_ENV/bin:$VIRTUAL_ENV/image/bin:$PATH ;;
esac
export PATH VIRTUAL_ENV
