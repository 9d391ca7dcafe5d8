import time, pytest
from tests.stories.house import open_house
from tests.infra.invariants_stage import Stage
from infra.invariants import run, snapshot as sn
pytestmark = pytest.mark.postgres
N=8000
def test_x(servers, tmp_path):
    with open_house(servers, tmp_path) as house:
        stage=Stage(house)
        t=time.time()
        with house.system.database.direct() as c:
            c.execute("set statement_timeout=0"); c.execute(f"set search_path={stage.schema},pg_catalog")
            c.execute("create temp table ids as select stream_id old, n, md5(stream_id||':'||n)::uuid new from streams, generate_series(1,%d) n"%N)
            c.execute("create temp table mids as select message_id old, stream_id, n, md5(message_id||':'||n)::uuid new from send_queue, generate_series(1,%d) n"%N)
            c.execute("create temp table m2 as select stream_id, n, (array_agg(old))[1]::text o1, (array_agg(new))[1]::text n1, coalesce((array_agg(old))[2]::text,'-none-') o2, coalesce((array_agg(new))[2]::text,'x') n2 from mids group by 1,2")
            c.execute("analyze ids"); c.execute("analyze mids"); c.execute("analyze m2")
            c.execute("insert into streams select i.new, campaign_id, contact_id, 1+n, plan_hash from streams s join ids i on i.old=s.stream_id")
            c.execute("""insert into events(originator_id,originator_version,topic,state)
              select i.new, e.originator_version, e.topic, coalesce(convert_to(replace(replace(convert_from(e.state,'UTF8'), m.o1, m.n1),m.o2,m.n2),'UTF8'), e.state)
              from events e join ids i on i.old=e.originator_id left join m2 m on m.stream_id=i.old and m.n=i.n order by i.n, e.notification_id""")
            c.execute("update events e set state=convert_to(replace(convert_from(state,'UTF8'),'\"run\":1','\"run\":'||s.run),'UTF8') from streams s where s.stream_id=originator_id and topic='plan_accepted'")
            cols=[r[0] for r in c.execute("select column_name from information_schema.columns where table_name='send_queue' and table_schema=%s order by ordinal_position",(stage.schema,)).fetchall()]
            sel=",".join({"message_id":"m.new","stream_id":"i.new","dedupe_key":"q.dedupe_key||':'||i.n","provider_id":"q.provider_id||':'||i.n||q.message_id"}.get(k,"q."+k) for k in cols)
            c.execute(f"insert into send_queue({','.join(cols)}) select {sel} from send_queue q join mids m on m.old=q.message_id join ids i on i.old=q.stream_id and i.n=m.n")
            c.execute("insert into bodies select m.new, contact_id, snapshot, mail, created_at from bodies b join mids m on m.old=b.message_id")
            c.execute("vacuum analyze")
        print("cloned", time.time()-t); t=time.time()
        stage.project(); print("projected", time.time()-t)
        orig=sn.Snapshot.ask
        def ask(self,q,p):
            t=time.time(); f=orig(self,q,p); print(f"{q.id} {time.time()-t:.2f}s examined {f.examined} broken {f.broken}"); return f
        sn.Snapshot.ask=ask
        ou=sn.unpack
        def unp(*a):
            t=time.time(); ou(*a); print(f"unpack {time.time()-t:.2f}s")
        sn.unpack=unp
        ow=run._walked
        def walked(*a):
            t=time.time(); r=ow(*a); print(f"walked {time.time()-t:.2f}s"); return r
        run._walked=walked
        t=time.time(); found=stage.check(accepts=None, clock_factor=1e4); print("check", time.time()-t)
        for f in found: 
            if f.broken: print(f.id, f.examined, f.broken, f.examples[:2], f.title)
        import cProfile,pstats
        pr=cProfile.Profile(); pr.enable(); stage.check(accepts=None, streams_max=4000); pr.disable(); pstats.Stats(pr).sort_stats("cumtime").print_stats(45)
