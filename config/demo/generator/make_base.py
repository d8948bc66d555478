#!/usr/bin/env python3
"""Makes the sample base of `rekindle demo` out of a public purchase history.

    python3 config/demo/generator/make_base.py tests/data/online_retail.csv config/demo/data

Real: who bought on which day and for how much (UCI Online Retail, CC0), with every day moved by the
same number of weeks. Invented: everything else. The same input gives the same bytes on every
machine: there is no random number here, every draw is a hash of what is drawn for whom.
"""

import csv
import datetime as dt
import hashlib
import statistics
import sys
from collections import defaultdict
from pathlib import Path

import words

SEED = "zernolist-1"
# Weeks between the data set and the demo: its last day, Friday 2011-12-09, becomes Friday
# 2026-11-20. Weekdays stay what they were.
SHIFT = dt.timedelta(weeks=780)
LAST_DAY = dt.date(2026, 11, 20)
# One pound of the data set in roubles of the demo.
ROUBLES_PER_POUND = 100
# Two clients of the data set large enough to be key accounts here, and how many others are taken
# for each number of purchase days. The others stay below this many pounds.
KEY_ACCOUNTS = ["12415", "18102"]
MOST_POUNDS = 5000
STRATA = [(1, 1, 50), (2, 2, 20), (3, 3, 20), (4, 4, 28), (5, 6, 60), (7, 9, 75), (10, 14, 64),
          (15, 25, 34), (26, 60, 7)]
LEADS = 26

MANAGERS = [
    ("sokolova", "Анна Соколова", "farmer", 6),
    ("orlov", "Дмитрий Орлов", "farmer", 6),
    ("belova", "Ирина Белова", "key", 4),
    ("gromov", "Павел Громов", "hunter", 5),
    ("mironova", "Катя Миронова", "trainee", 4),
]


def draw(*about):
    """A number in 0..1 that belongs to `about` for ever."""
    digest = hashlib.sha256("|".join([SEED, *map(str, about)]).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def pick(options, *about):
    """One of the options, the same for ever."""
    return options[int(draw(*about) * len(options))]


def latin(text):
    """A text as it may stand in an address."""
    letters = "".join(words.TRANSLIT.get(c, c) for c in text.lower())
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in letters).strip("-")


# ── The history ────────────────────────────────────────────────────────────────────────────────


def read_history(path):
    """The rows of every client of the data set: (day, pounds), in order."""
    history = defaultdict(list)
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            day = dt.date.fromisoformat(row["date"]) + SHIFT
            history[row["client_id"]].append((day, float(row["amount"])))
    return {client: sorted(rows) for client, rows in history.items()}


def purchase_days(rows):
    return sorted({day for day, pounds in rows if pounds > 0})


def choose(history):
    """The clients of the demo by their old ids: the key accounts and a draw from each stratum."""
    chosen = list(KEY_ACCOUNTS)
    for fewest, most, wanted in STRATA:
        pool = [
            client
            for client, rows in history.items()
            if fewest <= len(purchase_days(rows)) <= most
            and 0 < sum(pounds for _, pounds in rows) <= MOST_POUNDS
        ]
        pool.sort(key=lambda old: draw("choose", old) * (0.12 if has_a_story(history[old]) else 1))
        chosen += pool[:wanted]
    return chosen


def has_a_story(rows):
    """Whether a client falls silent, or is due for a second purchase, in the last weeks.

    Such clients are drawn more often than others, so that the demo has something to show.
    """
    days = purchase_days(rows)
    silent = (LAST_DAY - days[-1]).days
    if len(days) == 1:
        return 36 <= silent <= 60
    gaps = [(later - earlier).days for earlier, later in zip(days, days[1:])]
    usual = statistics.median(gaps)
    return len(days) >= 4 and silent >= 15 and 2.0 * usual <= silent <= 3.6 * usual


# ── Who they are ───────────────────────────────────────────────────────────────────────────────


class Person:
    """A name and the ways to reach it."""

    def __init__(self, *about, formal=False):
        sex = "f" if draw("sex", *about) < 0.6 else "m"
        names = words.FEMALE_NAMES if sex == "f" else words.MALE_NAMES
        first = pick(names, "first", *about)
        surname = pick(words.SURNAMES, "surname", *about) + ("а" if sex == "f" else "")
        self.name = f"{first} {surname}"
        if formal:
            self.name = f"{surname} {first} {pick(words.PATRONYMICS[sex], 'patronymic', *about)}"
        self.mail_name = latin(f"{first}.{surname}").replace("-", ".")


class Taken:
    """Gives addresses and numbers that nobody else has."""

    def __init__(self):
        self.mails, self.phones = set(), set()

    def mail(self, name, *about):
        domain = pick(["example.org", "example.com", "example.net"], "domain", *about)
        address, n = f"{name}@{domain}", 1
        while address in self.mails:
            n += 1
            address = f"{name}{n}@{domain}"
        self.mails.add(address)
        return address

    def phone(self, code, *about):
        n = int(draw("phone", *about) * 10_000)
        while (code, n) in self.phones:
            n = (n + 1) % 10_000
        self.phones.add((code, n))
        return f"+7 {code} 000-{n // 100:02}-{n % 100:02}"


def group_of(old, rows):
    """What kind of buyer spends so much at a time."""
    paid = [pounds for _, pounds in rows if pounds > 0]
    usual = sum(paid) / len(paid)
    roll = draw("group", old)
    if old in KEY_ACCOUNTS or usual > 700:
        return "wholesale" if roll < 0.5 else "retail"
    if usual > 300:
        return "horeca" if roll < 0.5 else "retail" if roll < 0.85 else "office"
    if usual > 150:
        return "horeca" if roll < 0.45 else "office" if roll < 0.8 else "private"
    return "private" if roll < 0.65 else "office"


def manager_of(old, group, days):
    """Who takes care of a client with these purchase days."""
    silent = (LAST_DAY - days[-1]).days
    if old in KEY_ACCOUNTS:
        return "belova"
    if len(days) <= 2 and silent > 150:
        return "mironova"
    if (LAST_DAY - days[0]).days < 75:
        return "gromov"
    if draw("nobody", old) < 0.03:
        return ""
    return "sokolova" if group in ("horeca", "private") else "orlov"


class Companies:
    """Names of companies, each used once; a word may name several of them."""

    def __init__(self):
        order = sorted(set(words.COMPANY_WORDS), key=lambda word: draw("company", word))
        self.order = iter(order * 3)
        self.names = set()

    def next(self, group, *about):
        word, forms = next(self.order), words.COMPANY_FORMS[group]
        first = int(draw("form", *about) * len(forms))
        names = [form.format(word) for form in forms[first:] + forms[:first]]
        name = next(name for name in names if name not in self.names)
        self.names.add(name)
        return name, latin(word)


def describe(new, old, group, manager, taken, companies):
    """The row of clients.csv."""
    city, code = pick(words.CITIES, "city", old)
    person = Person("client", old)
    street = pick(words.STREETS, "street", old)
    client = {
        "id": new,
        "name": "",
        "company": "",
        "email": "",
        "phone": taken.phone(code, old) if draw("has phone", old) < 0.94 else "",
        "manager": manager,
        "tags": group,
        "birthday": "",
        "locale": "",
        "address": f"г. {city}, {street}, д. {1 + int(draw('house', old) * 60)}",
    }
    mail_name = person.mail_name
    if group == "private":
        client["name"] = person.name if draw("has name", old) < 0.88 else ""
        if draw("birthday", old) < 0.3:
            born = dt.date(1960, 1, 1) + dt.timedelta(days=int(draw("born", old) * 15_000))
            client["birthday"] = born.isoformat()
    else:
        client["company"], mail_name = companies.next(group, old)
        if draw("named company", old) < 0.15:
            client["name"] = person.name
    if draw("has mail", old) < 0.9:
        client["email"] = taken.mail(mail_name, old)
    if draw("regular tag", old) < 0.1:
        client["tags"] += "|доставка по средам"
    return client


def contacts_of(client, taken):
    """The people at a company: none, one or two."""
    new, contacts = client["id"], []
    city = client["address"].removeprefix("г. ").split(",")[0]
    code = next(code for name, code in words.CITIES if name == city)
    if not client["company"] or draw("contacts", new) < 0.25:
        return contacts
    for n in range(1 if draw("two", new) < 0.6 else 2):
        person = Person("contact", new, n, formal=draw("formal", new, n) < 0.4)
        contacts.append({
            "client": new,
            "name": person.name,
            "role": words.ROLES[0] if n == 0 else pick(words.ROLES[1:], "role", new, n),
            "email": taken.mail(person.mail_name, new, n) if draw("cm", new, n) < 0.85 else "",
            "phone": taken.phone(code, new, n) if draw("cp", new, n) < 0.8 else "",
            "primary": "yes" if n == 0 else "no",
        })
    return contacts


# ── What they buy ──────────────────────────────────────────────────────────────────────────────


def favourites(new, group):
    """What a client usually takes: a few goods, the first of them most often."""
    goods = [(name, price) for name, price, groups in words.CATALOGUE if group in groups.split()]
    goods.sort(key=lambda good: draw("favourite", new, good[0]))
    return goods[: 3 + int(draw("breadth", new) * 4)]


def basket(key, roubles, usual):
    """Goods worth about so many roubles: (name, pieces, roubles), and what they come to."""
    taken = [good for n, good in enumerate(usual) if draw("takes", key, good[0]) < 0.9 - 0.22 * n]
    taken = [good for good in taken or usual[:1] if good[1] <= roubles]
    if not taken:
        cheap = [good[:2] for good in words.CATALOGUE if good[1] <= max(roubles, 70)]
        taken = [max(cheap, key=lambda good: good[1])]
    taken.sort(key=lambda good: -good[1])
    weights = [0.4 + draw("share", key, name) for name, _ in taken]
    left, lines = roubles, []
    for n, (name, price) in enumerate(taken):
        last = n == len(taken) - 1
        pieces = left // price if last else int(roubles * weights[n] / sum(weights) / price)
        pieces = max(1 if not lines and last else 0, pieces)
        if pieces:
            lines.append((name, pieces, pieces * price))
            left -= pieces * price
    return lines, sum(line[2] for line in lines)


def purchases_of(new, rows, usual):
    """The purchases of a client and what was given back, in order; `lines` are the goods."""
    made, by_pounds = [], defaultdict(list)
    for n, (day, pounds) in enumerate(rows):
        if pounds > 0:
            roubles = max(70, round(pounds * ROUBLES_PER_POUND))
            lines, amount = basket(f"{new}/{n}", roubles, usual)
            one = {"client": new, "day": day, "amount": amount, "lines": lines, "cancels": None}
            by_pounds[pounds].append(one)
        elif pounds < 0:
            # Given back as a whole where the same sum had come in before, else in part.
            known = [one for one in by_pounds[-pounds] if not one.get("gone")]
            amount = -max(10, round(-pounds * ROUBLES_PER_POUND, -1))
            one = {"client": new, "day": day, "amount": amount, "lines": [], "cancels": None}
            if known:
                known[-1]["gone"] = True
                one["amount"], one["cancels"] = -known[-1]["amount"], known[-1]
        else:
            continue
        made.append(one)
    return made


def numbered(purchases):
    """Gives every purchase its number, in the order of days."""
    purchases.sort(key=lambda one: (one["day"], one["client"], one["amount"]))
    for n, one in enumerate(purchases):
        one["id"] = f"{'R' if one['amount'] < 0 else 'S'}-{10_001 + n}"
    return purchases


def purchase_rows(purchases):
    """The rows of purchases.csv: further goods of a purchase repeat its number only."""
    rows = []
    for one in purchases:
        whole = {
            "id": one["id"],
            "client": one["client"],
            "date": one["day"].isoformat(),
            "amount": one["amount"],
            "cancels": one["cancels"]["id"] if one["cancels"] else "",
        }
        for n, (name, pieces, roubles) in enumerate(one["lines"] or [("", "", "")]):
            head = whole if n == 0 else {"id": one["id"]}
            rows.append({**head, "item": name, "quantity": pieces, "item_amount": roubles})
    return rows


# ── What is tried, seen and agreed ─────────────────────────────────────────────────────────────


def deal(number, client, group, status, opened, closed, amount, reason, manager):
    """A row of deals.csv."""
    key = f"deal {number}"
    stages = {"won": "Успешно реализовано", "lost": "Закрыто и не реализовано"}
    known = draw("abc", key) < 0.6
    answer = lambda what, share: ("yes" if draw(what, key) < share else "no") if known else ""
    return {
        "id": f"D-{number}",
        "client": client,
        "title": pick(words.DEAL_TITLES[group], "title", key),
        "status": status,
        "stage": stages.get(status) or pick(words.OPEN_STAGES, "stage", key),
        "amount": amount,
        "opened": opened.isoformat(),
        "closed": closed.isoformat() if closed else "",
        "reason": reason,
        "need": answer("need", 0.8),
        "money": answer("money", 0.5),
        "urgency": answer("urgency", 0.3),
        "manager": manager,
    }


def deals(base, purchases):
    """Won deals behind large purchases, rejections over the last year, and some that are open."""
    found = []
    add = lambda client, status, opened, closed, amount, reason="": found.append(
        (opened, client, status, closed, amount, reason))
    large = [one for one in purchases if one["amount"] > 25_000 and not one.get("gone")]
    for one in large:
        if draw("won", one["id"]) < 0.08:
            days = dt.timedelta(days=3 + int(draw("sold in", one["id"]) * 18))
            add(one["client"], "won", one["day"] - days, one["day"], one["amount"])
    for new, who in base.items():
        chance = 0.75 if who["lead"] else 0.45 if len(who["days"]) <= 3 else 0.18
        if draw("lost", new) < chance and not who["key"]:
            reason = pick(words.REASONS, "reason", new)
            ago = int(draw("lost on", new) * 360)
            if draw("ask now", new) < 0.4:
                # Two fifths are old enough to be asked again in the last weeks.
                ago = words.ASK_AGAIN_AFTER.get(reason, 90) + int(draw("asked", new) * 18)
            closed = LAST_DAY - dt.timedelta(days=ago)
            opened = closed - dt.timedelta(days=5 + int(draw("tried for", new) * 40))
            amount = 1000 * (6 + int(draw("lost sum", new) ** 2 * 180))
            add(new, "lost", opened, closed, amount, reason)
        elif draw("open", new) < (0.6 if who["lead"] else 0.07):
            opened = LAST_DAY - dt.timedelta(days=1 + int(draw("opened", new) * 55))
            add(new, "open", opened, None, 1000 * (8 + int(draw("open sum", new) * 90)))
    found.sort(key=lambda one: (one[0], one[1]))
    return [
        deal(501 + n, client, base[client]["group"], status, opened, closed, amount, reason,
             base[client]["manager"] or "orlov")
        for n, (opened, client, status, closed, amount, reason) in enumerate(found)
    ]


def visits(base):
    """Visits to the site: some before each purchase of those who order there, and idle ones."""
    rows = []
    for new, who in base.items():
        if draw("visits", new) > (0.8 if who["lead"] else 0.3):
            continue
        days = [day - dt.timedelta(days=int(draw("before", new, day) * 4))
                for day in who["days"][-4:]]
        days += [LAST_DAY - dt.timedelta(days=int(draw("idle", new, n) * 200)) for n in range(2)]
        rows += [{"client": new, "date": day.isoformat(), "page": pick(words.PAGES, "page", new, day)}
                 for day in days]
    return sorted(rows, key=lambda row: (row["date"], row["client"], row["page"]))


def consents(base):
    """Words of the clients themselves; everybody else rests on the basis of the source."""
    rows = []
    for new, who in base.items():
        roll = draw("consent", new)
        if not who["client"]["email"] or roll > 0.3:
            continue
        first = who["days"][0] if who["days"] else LAST_DAY - dt.timedelta(days=200)
        row = {"client": new, "channel": "email", "class": "advertising", "basis": "consent",
               "given": first.isoformat(), "withdrawn": "", "proof": "анкета на сайте"}
        if roll < 0.03:
            gone = LAST_DAY - dt.timedelta(days=int(draw("withdrawn", new) * 120))
            row["withdrawn"] = max(gone, first).isoformat()
        rows.append(row)
    return rows


def suppressions(base):
    """Addresses that must not be written to."""
    with_mail = sorted((new for new, who in base.items() if who["client"]["email"]),
                       key=lambda new: draw("suppressed", new))
    kinds = [("all", "unsubscribe", 140), ("advertising", "unsubscribe", 17),
             ("all", "hard_bounce", 60), ("all", "complaint", 95), ("all", "manual", 210)]
    return [
        {"email": base[new]["client"]["email"], "scope": scope, "reason": reason,
         "since": (LAST_DAY - dt.timedelta(days=ago)).isoformat()}
        for new, (scope, reason, ago) in zip(with_mail, kinds)
    ]


# ── Put together ───────────────────────────────────────────────────────────────────────────────


def people(history, taken):
    """Everybody in the base by the new id, with all that the other files need to know."""
    companies, base = Companies(), {}
    chosen = sorted(choose(history), key=lambda old: (purchase_days(history[old])[0], draw(old)))
    for n, old in enumerate(chosen):
        new, rows = f"K-{1001 + n}", history[old]
        days, group = purchase_days(rows), group_of(old, rows)
        manager = manager_of(old, group, days)
        client = describe(new, old, group, manager, taken, companies)
        base[new] = {"client": client, "group": group, "days": days, "rows": rows,
                     "manager": manager, "lead": False, "key": old in KEY_ACCOUNTS}
    for n in range(LEADS):
        new, group = f"K-{1801 + n}", pick(["horeca", "office", "retail"], "lead group", n)
        manager = "gromov" if draw("lead manager", n) < 0.6 else "mironova"
        client = describe(new, f"lead {n}", group, manager, taken, companies)
        base[new] = {"client": client, "group": group, "days": [], "rows": [],
                     "manager": manager, "lead": True, "key": False}
    oddities(base)
    return base


def oddities(base):
    """What every real list has: a very long name, one person twice, readers of English."""
    companies = [who["client"] for who in base.values() if who["client"]["company"]]
    persons = [who["client"] for who in base.values() if who["client"]["name"]
               and not who["client"]["company"] and who["client"]["email"]]
    companies[7]["company"] = words.LONG_COMPANY
    persons[3]["name"] = words.LONG_PERSON
    for first, second in [(persons[5], persons[6]), (persons[10], persons[11])]:
        for same in ("name", "email", "phone"):
            second[same] = first[same]
    for client in (companies[20], companies[33]):
        client["company"] = "Blue Door Coffee" if client is companies[20] else "Maple & Co"
        client["locale"] = "en"


def with_dirt(clients, purchase_list, deal_list):
    """Adds the rows that no import can take as they are."""
    clients[41]["email"] = "info(at)example.org"
    clients[97]["phone"] = "12-34"
    clients.insert(60, {"id": "", "company": "Кафе без номера", "email": "kafe@example.org"})
    clients.insert(180, {**clients[12], "company": "Дубль из старой базы"})
    clients[180]["id"] = clients[150]["id"]
    for line, row in [
        (400, {"id": "S-9001", "client": "K-1004", "date": "31.02.2026", "amount": 5400}),
        (900, {"id": "S-9002", "client": "K-1017", "date": "2026-03-04", "amount": "по договору"}),
        (1500, {"id": "S-9003", "client": "", "date": "2026-05-12", "amount": 1290}),
        (2100, {"id": "S-9004", "client": "K-1033", "date": "2026-06-15", "amount": "1O500"}),
    ]:
        while "date" not in purchase_list[line]:
            line += 1
        purchase_list.insert(line, row)
    deal_list.insert(30, {**deal_list[30], "id": "D-9001", "status": "на паузе"})


def write(folder, name, rows):
    """Writes a file with the columns of its first row."""
    columns = list(rows[0])
    with open(folder / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(source, folder):
    history = read_history(source)
    taken = Taken()
    managers = [
        {"id": new, "name": name, "email": taken.mail(latin(name).replace("-", "."), "manager"),
         "phone": taken.phone("495", "manager", new), "role": role, "capacity": capacity}
        for new, name, role, capacity in MANAGERS
    ]
    base = people(history, taken)
    purchases = numbered([
        one for new, who in base.items()
        for one in purchases_of(new, who["rows"], favourites(new, who["group"]))
    ])
    clients = [who["client"] for who in base.values()]
    contact_list = [contact for client in clients for contact in contacts_of(client, taken)]
    purchase_list, deal_list = purchase_rows(purchases), deals(base, purchases)
    consent_list, suppression_list = consents(base), suppressions(base)
    with_dirt(clients, purchase_list, deal_list)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in [
        ("managers.csv", managers), ("clients.csv", clients), ("contacts.csv", contact_list),
        ("purchases.csv", purchase_list), ("deals.csv", deal_list), ("visits.csv", visits(base)),
        ("consents.csv", consent_list), ("suppressions.csv", suppression_list),
    ]:
        write(folder, name, rows)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]))
