"""`knead completion SHELL`."""

import click


@click.command(
    help="""Print a completion script for a shell.

    \b
    bash:  eval "$(knead completion bash)"      in ~/.bashrc
    zsh:   eval "$(knead completion zsh)"       in ~/.zshrc
    fish:  knead completion fish > ~/.config/fish/completions/knead.fish
    """
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    from click.shell_completion import ShellComplete, get_completion_class

    from companion.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None
    # The base class's own: that of bash starts a shell to see its version, which may not be on this machine.
    click.echo(ShellComplete.source(kind(cli, {}, "knead", "_KNEAD_COMPLETE")))
