if [[ -r $NOTEBOOK_SESSIONS_ZDOTDIR/.zprofile ]]; then . "$NOTEBOOK_SESSIONS_ZDOTDIR/.zprofile"; fi
