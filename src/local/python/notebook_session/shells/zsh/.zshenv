if [[ -r $NOTEBOOK_SESSIONS_ZDOTDIR/.zshenv ]]; then . "$NOTEBOOK_SESSIONS_ZDOTDIR/.zshenv"; fi
