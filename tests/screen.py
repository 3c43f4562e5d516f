"""A small terminal emulator: what is on the screen after some output.

It knows what a program of lines and a status line may use of ECMA-48 and of the VT100: cursor
movement, erasing, a scrolling region, save and restore.  Anything else is an error.
"""
import re

_PART = re.compile(r"\x1b\[(\?)?([\d;]*)([A-Za-z])|\x1b([78DEM])|([\r\n\b\x07])"
                   r"|([^\x00-\x1f\x7f]+)|(.)", re.S)


class Screen:
    """Rows of text, those that have scrolled away included."""

    def __init__(self, rows=24, columns=80):
        self.rows, self.columns = rows, columns
        self.gone = []  # scrolled out at the top
        self.lines = [""] * rows
        self.row = self.column = 0
        self.saved = (0, 0)
        self.top, self.bottom = 0, rows - 1

    def write(self, text):
        """Put text on the screen; returns the screen."""
        for private, numbers, letter, vt100, control, plain, odd in _PART.findall(text):
            if plain:
                for char in plain:
                    self._put(char)
            elif control:
                self._control(control)
            elif vt100:
                self._vt100(vt100)
            elif letter and not private:
                self._sequence(letter, [int(n or 0) for n in numbers.split(";")])
            elif odd:
                raise ValueError(f"a terminal would not know {odd!r}")
        return self

    def text(self):
        """All lines, oldest first, without blanks at the end."""
        return [line.rstrip() for line in self.gone + self.lines]

    def _put(self, char):
        if self.column == self.columns:
            self.column = 0
            self._feed()
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
        self.column += 1

    def _feed(self):
        if self.row != self.bottom:
            self.row = min(self.row + 1, self.rows - 1)
            return
        if self.top == 0:
            self.gone.append(self.lines[0])
        del self.lines[self.top]
        self.lines.insert(self.bottom, "")

    def _vt100(self, char):
        if char == "7":
            self.saved = (self.row, self.column)
        elif char == "8":
            self.row, self.column = self.saved
        elif char == "M" and self.row > self.top:
            self.row -= 1
        elif char == "M":
            del self.lines[self.bottom]
            self.lines.insert(self.top, "")
        else:
            self.column = 0 if char == "E" else self.column
            self._feed()

    def _control(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self._feed()
        elif char == "\b":
            self.column = max(self.column - 1, 0)

    def _erase_line(self, how):
        line = self.lines[self.row]
        if how == 0:
            self.lines[self.row] = line[:self.column]
        elif how == 1:
            self.lines[self.row] = " " * self.column + line[self.column:]
        else:
            self.lines[self.row] = ""

    def _erase_screen(self, how):
        first = {0: self.row + 1, 2: 0}[how]
        self._erase_line({0: 0, 2: 2}[how])
        self.lines[first:] = [""] * (self.rows - first)

    def _region(self, numbers):
        self.top = max(numbers[0], 1) - 1
        self.bottom = (numbers[1] if len(numbers) > 1 and numbers[1] else self.rows) - 1
        self.row = self.column = 0

    def _go(self, row, column):
        self.row = min(max(row, 0), self.rows - 1)
        self.column = min(max(column, 0), self.columns - 1)

    def _sequence(self, letter, numbers):
        first, second = numbers[0], numbers[1] if len(numbers) > 1 else 0
        step = max(first, 1)
        moves = {"A": (-step, 0), "B": (step, 0), "C": (0, step), "D": (0, -step)}
        if letter in moves:
            self._go(self.row + moves[letter][0], self.column + moves[letter][1])
        elif letter in "Hf":
            self._go(step - 1, max(second, 1) - 1)
        elif letter == "G":
            self._go(self.row, step - 1)
        elif letter == "K":
            self._erase_line(first)
        elif letter == "J":
            self._erase_screen(first)
        elif letter == "r":
            self._region(numbers)
        elif letter == "s":
            self.saved = (self.row, self.column)
        elif letter == "u":
            self.row, self.column = self.saved
        elif letter != "m":
            raise ValueError(f"this terminal does not know {numbers}{letter}")
