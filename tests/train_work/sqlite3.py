"""sqlite3: scripts on its standard input, each in a directory with one database."""
import workload

ROWS = ", ".join(f"({n}, '{'odd' if n % 2 else 'even'}')" for n in range(1, 101))
TABLE = f"create table t(n, kind); insert into t values {ROWS};".encode("ascii")

WORK = {
    "queries": {
        "aggregates": "select kind, count(*), sum(n), avg(n) from t group by kind order by kind;",
        "joins": "select a.n, b.n from t a join t b on b.n = a.n * 2 where a.n < 6 order by 1;",
        "windows": "select n, sum(n) over (order by n rows 2 preceding) from t limit 5;",
        "recursion": "with recursive f(n, x) as (values (1, 1) union all select n + 1, x * n from f where n < 15)"
                     " select * from f;",
        "large sort": "with recursive c(n) as (values (1) union all select n + 1 from c where n < 200000)"
                      " select max(x) from (select (n * 7919) % 100003 as x from c order by 1);",
        "modes": ".mode column\n.headers on\nselect * from t limit 3;\n.mode json\nselect * from t limit 3;",
    },
    "changes": {
        "insert": "insert into t select n + 1000, 'new' from t; select count(*) from t;",
        "update": "update t set n = n * 2 where kind = 'odd'; select sum(n), changes() from t;",
        "delete": "delete from t where n > 50; select count(*) from t;",
        "rollback": "begin; delete from t; select count(*) from t; rollback; select count(*) from t;",
        "savepoints": "begin; savepoint a; delete from t where n < 10; rollback to a; commit; select count(*) from t;",
        "upsert": "create unique index u on t(n); insert into t values (1, 'x') on conflict (n) do update set"
                  " kind = 'seen'; select * from t where n = 1;",
    },
    "schema": {
        "index": "create index i on t(kind, n); explain query plan select * from t where kind = 'odd';\n.indexes",
        "alter": "alter table t rename to u; alter table u add column x default 5; select sum(x) from u;\n.tables",
        "view": "create view v as select n from t where kind = 'even'; select sum(n) from v;\n.schema v",
        "trigger": "create table log(n); create trigger g after delete on t begin insert into log values (old.n); end;"
                   " delete from t where n < 4; select * from log;",
        "drop": "create table x as select * from t; drop table x;\n.tables",
        "generated": "create table g(a, b as (a * 2) stored); insert into g(a) values (4); select * from g;",
    },
    "journals": {
        "truncate": "pragma journal_mode = truncate; insert into t values (7, 'j'); select count(*) from t;",
        "persist": "pragma journal_mode = persist; insert into t values (7, 'j'); insert into t values (8, 'j');",
        "memory": "pragma journal_mode = memory; insert into t values (7, 'j'); select max(n) from t;",
        "wal": "pragma journal_mode = wal; insert into t values (7, 'j'); select count(*) from t;",
        "checkpoint": "pragma journal_mode = wal; insert into t select * from t; pragma wal_checkpoint(truncate);",
        "off": "pragma journal_mode = off; pragma synchronous = full; insert into t values (7, 'j');",
    },
    "upkeep": {
        "vacuum": "delete from t where n > 20; vacuum; pragma integrity_check;",
        "into": "vacuum into 'copy.db'; attach 'copy.db' as c; select count(*) from c.t;",
        "analyze": "create index i on t(n); analyze; select count(*) from sqlite_stat1; pragma quick_check;",
        "backup": ".backup b.db\n.restore b.db\nselect count(*) from t;",
        "incremental": "pragma auto_vacuum = incremental; vacuum; delete from t; pragma incremental_vacuum;"
                       " pragma freelist_count;",
        "cache": "pragma cache_size = 10; create table big as select a.n, hex(zeroblob(200)) as x from t a, t b;"
                 " select count(*) from big;",
    },
    "in and out": {
        "dump": ".dump t",
        "to a file": ".output out.txt\nselect * from t;\n.output stdout\nselect length(readfile('out.txt')) > 100;",
        "csv": ".mode csv\n.once t.csv\nselect * from t;\n.import t.csv again\nselect count(*) from again;",
        "read": ".once script.sql\nselect 'select ' || n || ';' from t limit 3;\n.read script.sql",
        "clone": ".clone other.db\nattach 'other.db' as o;\nselect count(*) from o.t;",
        "blobs": "select writefile('blob', zeroblob(5000)); select length(readfile('blob'));",
    },
    "extensions": {
        "full text": "create virtual table d using fts5(x); insert into d values ('the quick fox'), ('a dog');"
                     " select rowid from d where d match 'fox';",
        "json": "select json_extract('{\"a\": [1, 2, 3]}', '$.a[1]'), json_group_array(n) from t where n < 4;",
        "boxes": "create virtual table b using rtree(id, x0, x1); insert into b values (1, 0, 5), (2, 6, 9);"
                 " select id from b where x0 < 3;",
        "dates": "select date('2024-02-28', '+1 day'), strftime('%j', '2024-12-31'), date('now') > '2020-01-01';",
        "mathematics": "select round(sqrt(2), 6), pow(2, 10), round(ln(10), 4);",
        "series": "select sum(value) from generate_series(1, 100);",
    },
}


def run(text, directory, prefix):
    """Run a piece of work: its result."""
    prepared = workload.run(["sqlite3", "t.db"], stdin=TABLE, cwd=directory)
    if prepared.returncode:
        return prepared
    return workload.run([*prefix, "sqlite3", "-batch", "t.db"], stdin=text.encode("ascii") + b"\n", cwd=directory)
