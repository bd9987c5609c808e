if [[ -r $NOTEBOOK_SESSIONS_ZDOTDIR/.zshrc ]]; then . "$NOTEBOOK_SESSIONS_ZDOTDIR/.zshrc"; fi
