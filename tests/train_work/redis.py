"""redis-server: lines for its client, each on a server of its own, and how it is ended.

Options of the server, if any, are the first line, after "#"; the last line, if it begins with "!", is how
the server is ended: a signal, or a command.
"""
import functools
import os
import signal
import subprocess

import tap
import workload
from redis_server import Redis

ENDED = "!SHUTDOWN NOSAVE"
LOG, READY = "log", b"ready to accept connections"

WORK = {
    "strings and keys": {
        "counters": "SET n 5\nINCR n\nINCRBY n 10\nINCRBYFLOAT n 0.5\nGET n",
        "ranges": "SET s 0123456789\nGETRANGE s 2 5\nSETRANGE s 3 xyz\nGET s\nSTRLEN s\nAPPEND s end",
        "many": "MSET a 1 b 2 c 3\nMGET a b c d\nDEL a b\nEXISTS a c\nRANDOMKEY\nDBSIZE",
        "bits": "SETBIT b 7 1\nSETBIT b 100 1\nBITCOUNT b\nBITPOS b 1\nBITFIELD b INCRBY u8 0 3",
        "expiry": "SET e 1 PX 30\nEXPIRE e 100\nPERSIST e\nTTL e\nSET f 1 EX 100\nTTL f\nPEXPIRE f 1\nEXISTS e",
        "names": "MSET k:1 a other c\nKEYS k:*\nRENAME k:1 l:1\nTYPE l:1\nCOPY l:1 l:2\nSCAN 0 MATCH *:2 COUNT 100",
    },
    "collections": {
        "lists": "RPUSH l a b c d\nLPUSH l z\nLRANGE l 0 -1\nLPOP l\nRPOP l 2\nLINSERT l BEFORE b x\nLLEN l",
        "hashes": "HSET h a 1 b 2\nHINCRBY h a 5\nHGETALL h\nHDEL h b\nHKEYS h\nHSTRLEN h a",
        "sets": "SADD s a b c\nSADD t b c d\nSINTERSTORE v s t\nSUNIONSTORE w s t\nSDIFFSTORE u s t\nSMEMBERS u\nSORT w ALPHA",
        "sorted sets": "ZADD z 1 a 2 b 3 c\nZRANGE z 0 -1 WITHSCORES\nZINCRBY z 5 a\nZRANK z a\nZRANGEBYSCORE z 2 9",
        "sort": "RPUSH l 3 1 2\nSORT l DESC\nSORT l STORE m\nLRANGE m 0 -1\nOBJECT ENCODING l",
        "estimates": "PFADD p a b c a\nPFCOUNT p\nGEOADD g 13.36 38.11 p 15.08 37.50 c\nGEODIST g p c km",
    },
    "streams and messages": {
        "add": "XADD s 1-1 a 1\nXADD s 2-1 b 2\nXRANGE s - +\nXLEN s\nXDEL s 1-1\nXTRIM s MAXLEN 0",
        "groups": "XADD s 1-1 a 1\nXGROUP CREATE s g 0\nXREADGROUP GROUP g c STREAMS s >\nXACK s g 1-1\nXPENDING s g",
        "read": "XADD s 1-1 a 1\nXREAD COUNT 1 STREAMS s 0\nXREAD BLOCK 20 STREAMS s 1-1",
        "publish": "PUBLISH channel message\nPUBSUB CHANNELS\nPUBSUB NUMSUB channel",
        "blocking": "BLPOP none 0.02\nRPUSH l a\nBLPOP l 1\nBRPOPLPUSH none other 0.02",
        "notices": "CONFIG SET notify-keyspace-events KEA\nSET a 1\nDEL a\nPUBSUB NUMPAT",
    },
    "scripts and transactions": {
        "multi": "MULTI\nSET a 1\nINCR a\nEXEC\nMULTI\nDISCARD",
        "watch": "WATCH a\nMULTI\nSET a 1\nEXEC\nUNWATCH\nGET a",
        "eval": "EVAL \"return redis.call('SET', KEYS[1], ARGV[1])\" 1 k v\nGET k\n"
                "EVAL \"for i = 1, 1000 do redis.call('INCR', 'n') end return redis.call('GET', 'n')\" 0",
        "load": "SCRIPT LOAD \"return 42\"\nEVALSHA 1fa00e76656cc152ad327c13fe365858fd7be306 0\nSCRIPT FLUSH",
        "function": "FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f', function() return 7 end)\"\n"
                    "FCALL f 0\nFUNCTION LIST",
        "error": "EVAL \"return redis.call('NOTHING')\" 0\nEVAL \"return cjson.encode({1, 2})\" 0",
    },
    "snapshots": {
        "save": "SET a 1\nSAVE\nDBSIZE",
        "background": "SET a 1\nBGSAVE\nSET b 2",
        "reload": "MSET a 1 b 2\nDEBUG RELOAD\nGET a",
        "by changes": "# --save 1 1\nSET a 1\nSET b 1\nBGSAVE",
        "compressed": f"SET long {'abc' * 500}\nCONFIG SET rdbcompression yes\nBGSAVE\nSTRLEN long",
        "unchecked": "# --rdbchecksum no\nRPUSH l 1 2 3\nSAVE\nLLEN l",
    },
    "append-only files": {
        "everysec": "# --appendonly yes\nSET a 1\nINCR a",
        "always": "# --appendonly yes --appendfsync always\nSET a 1\nRPUSH l 1 2",
        "no": "# --appendonly yes --appendfsync no\nSET a 1\nEXPIRE a 100",
        "switched on": "SET a 1\nCONFIG SET appendonly yes\nSET b 2",
        "rewritten": "# --appendonly yes\nMSET a 1 b 2\nBGREWRITEAOF\nSET c 3",
        "loaded": "# --appendonly yes --aof-use-rdb-preamble no\nSET a 1\nDEBUG LOADAOF\nGET a",
    },
    "upkeep": {
        "configuration": "CONFIG SET maxmemory 100mb\nCONFIG GET maxmemory\nCONFIG SET maxmemory-policy allkeys-lru\n"
                         "CONFIG RESETSTAT",
        "clients": "CLIENT SETNAME me\nCLIENT GETNAME\nCLIENT NO-EVICT on\nCLIENT UNPAUSE",
        "memory": "SET a 1\nMEMORY USAGE a\nMEMORY PURGE\nMEMORY DOCTOR",
        "flush": "MSET a 1 b 2\nFLUSHDB ASYNC\nDBSIZE\nFLUSHALL\nSWAPDB 0 1",
        "unlink": "MSET a 1 b 2\nUNLINK a b\nSLOWLOG LEN\nLATENCY RESET",
        "users": "ACL SETUSER u on >pw ~k:* +get\nACL GETUSER u\nACL WHOAMI\nAUTH u pw\nGET k:1",
    },
    "endings": {
        "shutdown": "SET a 1\n!SHUTDOWN NOSAVE",
        "saved": "SET a 1\n!SHUTDOWN SAVE",
        "terminated": "SET a 1\n!SIGTERM",
        "interrupted": "SET a 1\n!SIGINT",
        "terminated and saved": "# --save 100 1\nSET a 1\n!SIGTERM",
        "with a file": "# --appendonly yes\nSET a 1\n!SHUTDOWN",
    },
}


_redis = functools.cache(lambda: Redis(workload.BUILD))


def run(text, directory, prefix):
    """Run a piece of work: a result, the server's status and what the client said; raises Absent."""
    options, lines, ending = split(text)
    argv = [*prefix, *_redis().server(directory, *options)]
    with open(f"{directory}/{LOG}", "wb") as log:
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                                  env={**workload.ENVIRON, **_redis().environ})
    try:
        said = serve(server, directory, lines, ending)
        return subprocess.CompletedProcess(argv, server.wait(workload.DEADLINE_S), said, b"")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def serve(server, directory, lines, ending):
    """Be its client, and end it: what it said."""
    tap.wait_until(lambda: server.poll() is not None or READY in log_of(directory), "redis is ready",
                   workload.DEADLINE_S)
    try:
        said = _redis().run(directory, "redis-cli", input="\n".join(lines))
        tap.wait_until(lambda: is_idle(directory), "nothing is being saved", workload.DEADLINE_S)
        end(directory, ending)
    except subprocess.CalledProcessError:  # it has ended before it should, or hangs
        return log_of(directory)
    return said.encode("utf-8")


def log_of(directory):
    """What the server has logged."""
    with open(f"{directory}/{LOG}", "rb") as file:
        return file.read()


def is_idle(directory):
    """Whether it has saved what it was to save."""
    info = _redis().info(directory)
    return all(info[key] == "0" for key in ("loading", "rdb_bgsave_in_progress", "aof_rewrite_in_progress",
                                            "aof_rewrite_scheduled"))


def end(directory, ending):
    """End the server by a signal or a command."""
    if ending.startswith("SIG"):
        os.kill(int(_redis().info(directory)["process_id"]), getattr(signal, ending))
    else:
        _redis().run(directory, "redis-cli", *ending.split())


def split(text):
    """The options, the lines and the ending of a piece of work."""
    lines = text.split("\n")
    options = lines.pop(0)[1:].split() if lines[0].startswith("#") else []
    ending = lines.pop() if lines[-1].startswith("!") else ENDED
    return options, lines, ending[1:]
