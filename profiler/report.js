"use strict";
/* The page is whole without this: here are the search, the sorting and the theme. */
(() => {
	const table = document.getElementById("table");
	const body = table.tBodies[0];
	const rows = [...body.rows];
	const heads = [...table.tHead.rows[0].cells];
	const search = document.getElementById("search");
	const found = document.getElementById("found");

	/* What a row is searched for: also what is shown shortened. */
	const texts = rows.map((row) => {
		const titles = [...row.querySelectorAll("[title]")].map((each) => each.title);
		const denied = Number(row.cells[2].dataset.v) > 0 ? "denied" : "";

		return [row.textContent, denied, ...titles].join(" ").toLowerCase();
	});

	const filter = () => {
		const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
		let shown = 0;

		rows.forEach((row, i) => {
			row.hidden = !words.every((word) => texts[i].includes(word));
			shown += !row.hidden;
		});
		found.textContent = words.length ? `${shown} of ${rows.length} calls` : `${rows.length} calls`;
	};

	const keyOf = (row, column) => {
		const cell = row.cells[column];

		return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent;
	};

	const compare = (a, b) => {
		if (typeof a === "number") {
			return a - b;
		}
		return a < b ? -1 : a > b ? 1 : 0;
	};

	/* Numbers are asked for from the largest on, everything else from the first. */
	const sort = (column) => {
		const head = heads[column];
		const counts = head.classList.contains("number") && head.textContent !== "First seen";
		const now = head.getAttribute("aria-sort");
		const order = now ? (now === "ascending" ? "descending" : "ascending")
			: counts ? "descending" : "ascending";
		const sign = order === "ascending" ? 1 : -1;

		heads.forEach((each) => each.removeAttribute("aria-sort"));
		head.setAttribute("aria-sort", order);
		body.append(...[...rows].sort((a, b) => sign * compare(keyOf(a, column), keyOf(b, column))));
	};

	heads.forEach((head, column) => {
		const button = document.createElement("button");

		button.type = "button";
		button.append(...head.childNodes);
		head.append(button);
		button.addEventListener("click", () => sort(column));
	});
	search.addEventListener("input", filter);
	search.closest("p").hidden = false;
	filter();

	/* The dark colours are a media rule: the button makes it hold always, or never. */
	const isDark = (rule) => rule.media && rule.media.mediaText.includes("dark");
	const dark = [...document.styleSheets[0].cssRules].find(isDark);
	const system = matchMedia("(prefers-color-scheme: dark)");
	const theme = document.getElementById("theme");
	let chosen = null;

	const isNowDark = () => (chosen === null ? system.matches : chosen);
	const show = () => {
		if (chosen !== null) {
			dark.media.mediaText = chosen ? "screen" : "not all";
		}
		theme.textContent = isNowDark() ? "Light" : "Dark";
		theme.setAttribute("aria-label", `Use ${isNowDark() ? "light" : "dark"} colours`);
	};
	theme.addEventListener("click", () => {
		chosen = !isNowDark();
		show();
	});
	system.addEventListener("change", show);
	theme.hidden = false;
	show();

	/* Paper has no click. */
	addEventListener("beforeprint", () => {
		document.querySelectorAll("details").forEach((each) => {
			each.open = true;
		});
	});
})();
