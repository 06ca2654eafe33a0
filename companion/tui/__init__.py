"""The screens.

Laws of this room:
1. The alarm waits for nobody, and least of all for the screen. The engine writes one immutable snapshot; the screen
   reads it on its own timer. Nothing here is ever waited for by the engine.
2. Silence is an alarm. A number older than its limit is not shown: "--" and the word UNKNOWN stand in its place.
3. Nothing is said by colour alone: every zone and level has a word, a pattern and a place. Nothing flashes.
4. The danger screen covers everything and is covered by nothing.
5. Text from a device or a file is plain text: no markup, no control characters.
6. When the terminal goes, the session is saved first.

Screens are given callables (`deck.py`) and know no engine, transport or store. `plotting`, `liveview`, `face`, `guide`,
`leaflet`, `aftermath`, `books` and `words` know no Textual. Every key stands in `keys.py`.
"""
