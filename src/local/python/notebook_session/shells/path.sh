# The session's environment first on PATH, whatever the user's start-up files have made of it. For bash, zsh and sh.
VIRTUAL_ENV=$NOTEBOOK_SESSIONS_OVERLAY
case "$PATH:" in
"$VIRTUAL_ENV/bin:$VIRTUAL_ENV/image/bin:"*) ;;
*) PATH=$VIRTUAL_ENV/bin:$VIRTUAL_ENV/image/bin:$PATH ;;
esac
export PATH VIRTUAL_ENV
